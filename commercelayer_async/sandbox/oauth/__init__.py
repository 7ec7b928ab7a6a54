"""The Auth API without its transport: grants in, signed tokens out."""
