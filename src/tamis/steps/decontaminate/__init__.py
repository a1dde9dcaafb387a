"""Steps that drop rows which hold items of the test sets a model will be judged by."""
