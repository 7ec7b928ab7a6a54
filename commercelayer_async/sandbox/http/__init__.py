"""HTTP around the sandbox's two APIs: media types, the log of requests, a gate that holds answers back."""
