"""What the embedded server offers over HTTP."""
