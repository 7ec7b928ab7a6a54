"""Rate limits as the service counts them: which class a request belongs to, and its windows."""
