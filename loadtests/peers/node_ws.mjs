// A bare relay on Node and ws: four frames in msgpack, and nothing that a chat server is for.
import { decode, encode } from "notepack.io";
import { WebSocketServer } from "ws";

const KEY_ID = 1;
const STAMP = Buffer.alloc(32, 7);
const sockets = new Map();

class Peer {
  constructor(socket) {
    this.socket = socket;
    this.deliveries = 0;
    this.waiting = new Map();
    socket.on("message", (data) => this.received(decode(data)));
    socket.on("close", () => sockets.delete(this.name));
  }

  received(frame) {
    switch (frame[0]) {
      case "send":
        return this.send(frame);
      case "ack":
        return this.ack(frame[1]);
      case "hello":
        this.id = frame[1];
        this.name = this.id.toString("latin1");
        sockets.set(this.name, this);
        return this.put(["welcome"]);
    }
  }

  send([, scope, n, c, boxes]) {
    const at = Date.now();
    for (const [device, keyNo, box] of boxes) {
      const to = sockets.get(device.toString("latin1"));
      if (to === undefined) continue;
      const number = ++to.deliveries;
      to.waiting.set(number, [this, n]);
      to.put(["deliver", number, scope, this.id, n, c, at, KEY_ID, STAMP, keyNo, box]);
    }
  }

  ack(numbers) {
    for (const number of numbers) {
      const [sender, n] = this.waiting.get(number);
      this.waiting.delete(number);
      sender.put(["receipt", n, "delivered", Date.now(), [], []]);
    }
  }

  put(frame) {
    this.socket.send(encode(frame));
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => {
  console.log(`listening on ${server.address().port}`);
});
server.on("connection", (socket) => new Peer(socket));
process.on("SIGTERM", () => process.exit(0));
