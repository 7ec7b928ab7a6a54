"""From bytes to resources, in one of three ways; each refusal leads to the next.

decoders.py     choose the way: one pass over the bytes, two steps, or field by field
shadow.py       the mutable double of a resource class that msgspec fills
strict.py       split documents one resource object at a time, with JSON pointers in errors
fieldwise.py    decode one attribute at a time: converters, aliases, lenient reading
explain.py      why a value does not fit, in words that show no secret
"""
