// A bare relay on Node and Socket.IO: four events, and nothing that a chat server is for.
// Ids come as attachments, or as text where a leaner application would rather send text; they are given on as they came.
import { createServer } from "node:http";
import { Server } from "socket.io";

const KEY_ID = 1;
const STAMP = process.argv[2] === "text" ? "07".repeat(32) : Buffer.alloc(32, 7);
const peers = new Map();

const nameOf = (id) => (typeof id === "string" ? id : id.toString("latin1"));

class Peer {
  constructor(socket) {
    this.socket = socket;
    this.deliveries = 0;
    this.waiting = new Map();
    socket.on("hello", (id) => this.hello(id));
    socket.on("send", (scope, n, c, boxes) => this.send(scope, n, c, boxes));
    socket.on("ack", (numbers) => this.ack(numbers));
    socket.on("disconnect", () => peers.delete(this.name));
  }

  hello(id) {
    this.id = id;
    this.name = nameOf(id);
    peers.set(this.name, this);
    this.socket.emit("welcome");
  }

  send(scope, n, c, boxes) {
    const at = Date.now();
    for (const [device, keyNo, box] of boxes) {
      const to = peers.get(nameOf(device));
      if (to === undefined) continue;
      const number = ++to.deliveries;
      to.waiting.set(number, [this, n]);
      to.socket.emit("deliver", number, scope, this.id, n, c, at, KEY_ID, STAMP, keyNo, box);
    }
  }

  ack(numbers) {
    for (const number of numbers) {
      const [sender, n] = this.waiting.get(number);
      this.waiting.delete(number);
      sender.socket.emit("receipt", n, "delivered", Date.now(), [], []);
    }
  }
}

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => new Peer(socket));
http.listen(0, "127.0.0.1", () => console.log(`listening on ${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));
