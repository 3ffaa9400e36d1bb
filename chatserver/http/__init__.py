"""HTTP, one module a resource. `app.build` makes the application; the OpenAPI document comes from the same types."""
