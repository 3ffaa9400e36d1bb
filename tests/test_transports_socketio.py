"""The head of the Socket.IO side: every option is said, and the library's own dispatch has nothing to do."""

from tests.socketio_servers import serving


async def test_no_default_of_the_library_came_back() -> None:
    async with serving() as house:
        engine = house.server.eio
        assert (engine.http_compression, engine.cors_credentials, engine.cookie) == (False, False, None)
        assert (engine.async_handlers, house.server.async_handlers, engine.start_service_task) == (False, False, False)
        assert callable(engine.cors_allowed_origins)
        assert house.server.namespaces == ["/"]


async def test_the_library_is_given_no_room_for_its_own_dispatch() -> None:
    async with serving() as house:
        client, _ = await house.connected()
        ws, _ = await house.websocket("b")
        assert (house.server.manager.rooms, house.server.environ, house.server._binary_packet) == ({}, {}, {})
        await client.post("1")
        await ws.close()
