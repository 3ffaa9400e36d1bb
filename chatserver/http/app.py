"""The aiohttp application: every route of the table, its own description, and the web app."""

from aiohttp import web

from chatserver.http import answers, openapi
from chatserver.http import web as site
from chatserver.http.deps import Deps
from chatserver.http.serving import MAX_BODY_BYTES, handler_of, refusing


def build(deps: Deps) -> web.Application:
    """The application. Others may add routes and sub-applications; its middleware answers for them too."""
    app = web.Application(middlewares=[refusing(deps)], client_max_size=MAX_BODY_BYTES)
    app.on_response_prepare.append(answers.add_headers)
    for route in openapi.ROUTES:
        app.router.add_route(route.method, route.path, handler_of(route, deps), name=route.name)
    described = openapi.document()

    async def describe(_: web.Request) -> web.Response:
        return answers.json(described)

    app.router.add_route("GET", openapi.PATH, describe, name="openapi")
    site.attach(app, deps.origins)
    return app
