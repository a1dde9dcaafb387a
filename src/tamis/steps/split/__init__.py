"""Say which rows train and which test."""
