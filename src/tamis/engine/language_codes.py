"""Which languages can be told: apart from the kernel that tells them, so that a recipe is checked without it."""

CODES = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "ca", "ckb", "cs", "cy", "da", "de", "dv", "el",
    "en", "eo", "es", "et", "eu", "fa", "fi", "fo", "fr", "fy", "ga", "gd", "gl", "gu", "ha", "hbs", "he", "hi",
    "ht", "hu", "hy", "id", "ig", "is", "it", "ja", "jv", "ka", "kk", "km", "kn", "ko", "ku", "ky", "la", "lb",
    "lo", "lt", "lv", "mg", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "om", "or", "pa",
    "pl", "ps", "pt", "ro", "ru", "rw", "sa", "si", "sk", "sl", "sn", "so", "sq", "sr", "st", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "ug", "uk", "ur", "uz", "vi", "xh", "yo", "zh", "zu",
)  # fmt: skip
# Bosnian, Croatian and Serbian in Latin script differ too little for n-grams: all are "hbs", the macrolanguage.
# "sr" alone is Serbian in Cyrillic. Norwegian Bokmål is "no".
FOLDED = {"bs": ("hbs",), "hr": ("hbs",), "sr": ("sr", "hbs"), "sh": ("sr", "hbs"), "nb": ("no",)}
