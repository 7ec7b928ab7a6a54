"""From bytes to resources. Three ways lead there, each taken where the one before it does not apply.

decoders.py     chooses: one pass over the bytes, two steps, or field by field
shadow.py       the mutable double of a resource class that msgspec fills
strict.py       resource objects one at a time, with JSON pointers to what is wrong
fieldwise.py    attributes one at a time: converters, other names, lenient reading
explain.py      why a value does not fit, in words that show no secret
"""
