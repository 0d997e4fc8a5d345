"""The HTTP layer: dialects are tables of routes over one desk. See docs/http.md."""
