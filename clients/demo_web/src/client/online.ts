// Being connected: dial, say hello, catch up, go on, come back (DESIGN section 4).
//
// One attempt after the other for as long as the client is open. A close code of 4400-4499 ends it; everything else is
// tried again after a while with jitter. Nothing is lost in between: what was not answered is repeated under its
// number.

import { type Bytes, same, unhex } from "../bytes";
import { helloStatement, type Transport, ticketHash } from "../crypto/statements";
import type { Api } from "../protocol/api";
import { Backoff } from "../protocol/backoff";
import type { Route } from "../protocol/route";
import { type Ending, ending, Socket, stops } from "../protocol/socket";
import type {
  ClientFrame,
  Current,
  Deliver,
  Hello,
  Notice,
  Receipt,
  ServerFrame,
  Welcome,
} from "../protocol/wire";
import { Writes } from "../store/database";
import { register } from "./account";
import type { Core } from "./core";
import type { Directory } from "./directory";
import { Fault } from "./errors";
import { Intake } from "./intake";
import { Pump } from "./pump";
import { Rotation } from "./rotation";
import type { Link } from "./values";
import { Whispers } from "./whispers";

const TICK_MS = 5_000;
const ACTIVE_EVERY_MS = 30_000;
const SETTLED_PAGE = 64;
const SIGN_IN = new Set(["session_ended", "unauthenticated"]);
const GONE = "unauthenticated";
const AT_ONCE = "resume_elsewhere";

/** Owns the connection. `run` is its one loop; the client calls the rest. */
export class Online {
  readonly #core: Core;
  readonly #api: Api;
  readonly #directory: Directory;
  readonly #route: Route;
  readonly #rotation: Rotation;
  readonly #intake: Intake;
  readonly #pump: Pump;
  readonly #whispers: Whispers;
  readonly #backoff = new Backoff();
  #socket: Socket | undefined;
  #left = false;
  #over = false;
  #network = true;
  #activeAt = Number.NEGATIVE_INFINITY;
  /** Something happened since the last attempt began: the next pause is over at once. */
  #stirred = false;
  #endPause: () => void = () => undefined;

  constructor(core: Core, api: Api, directory: Directory, route: Route, kept: number) {
    this.#core = core;
    this.#api = api;
    this.#directory = directory;
    this.#route = route;
    this.#rotation = new Rotation(core, api);
    this.#intake = new Intake(core, directory, kept);
    this.#pump = new Pump(core, directory, this.#rotation.rotate);
    this.#whispers = new Whispers(core, directory);
  }

  // Called by the client

  /** There is something to send, or a conversation may go on. */
  wake(scope?: Bytes): void {
    if (scope) this.#pump.release(scope);
    this.#pump.wake();
  }

  /** There is a session again. */
  signedIn(): void {
    this.#left = false;
    this.#stir();
  }

  /** The browser says that the network came or went. */
  network(there: boolean): void {
    this.#network = there;
    if (!there) this.#socket?.close();
    else {
      this.#backoff.reset();
      this.#stir();
    }
  }

  typing(scope: Bytes, on: boolean): void {
    if (this.#socket) this.#sendIf(this.#whispers.typing(scope, on));
  }

  read(scope: Bytes): void {
    if (this.#socket) this.#sendIf(this.#whispers.read(scope));
  }

  /** The person did something: wind the idle clock, now and then. */
  active(): void {
    const now = this.#core.clock.monoMs();
    if (!this.#socket || now - this.#activeAt < ACTIVE_EVERY_MS) return;
    this.#activeAt = now;
    this.#send({ frame: "active" });
  }

  /** Say goodbye, if there is somebody to say it to, and stay away until `signedIn`. */
  leave(): void {
    this.#left = true;
    const settled = this.#pump.takeSettled();
    if (settled.length) this.#send({ frame: "fates", ask: [], settled });
    this.#send({ frame: "bye" });
    this.#socket?.close();
  }

  /** No more attempts: this worker gives its place away. */
  end(): void {
    this.#over = true;
    this.leave();
    this.#stir();
  }

  // The one loop

  async run(): Promise<void> {
    while (!this.#over) {
      const { code } = await this.#attempt();
      if (this.#over) return;
      if (SIGN_IN.has(code)) await this.#awaitSignIn();
      else if (stops(code) || code === "state_failed" || code === "state_rolled_back") {
        this.#say("stopped", code);
        return;
      } else await this.#wait(code);
    }
  }

  /** One connection, from the ticket to its end. Whoever said goodbye does not come back by themselves. */
  async #attempt(): Promise<Ending> {
    this.#stirred = false;
    try {
      const found = this.#left ? ending(GONE) : await this.#connect();
      return this.#left ? ending(GONE) : found;
    } catch (error) {
      if (!(error instanceof Fault)) return ending("internal");
      if (error.name === "refused") return ending(error.code);
      return ending(error.name === "unreachable" || error.name === "bad_answer" ? "" : error.name);
    } finally {
      this.#socket = undefined;
      this.#pump.detach();
      this.#core.outbox.disconnected();
    }
  }

  async #wait(code: string): Promise<void> {
    if (code === AT_ONCE) this.#backoff.reset();
    const ms = this.#network ? this.#backoff.nextMs() : Number.POSITIVE_INFINITY;
    this.#say("waiting", code, Number.isFinite(ms) ? ms : 0);
    await this.#pause(ms);
  }

  /** Until the time is over or something stirs. */
  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      if (this.#stirred) return done();
      const timer = Number.isFinite(ms) ? setTimeout(done, ms) : undefined;
      this.#endPause = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  #stir(): void {
    this.#stirred = true;
    this.#endPause();
  }

  async #awaitSignIn(): Promise<void> {
    this.#say("sign_in_needed");
    await this.#pause(Number.POSITIVE_INFINITY);
  }

  async #connect(): Promise<Ending> {
    this.#say("connecting");
    const epoch = await this.#rotation.setClock();
    if (!this.#api.token.length) return ending(GONE);
    await register(this.#core, this.#api);
    const ticket = await this.#api.ticket(this.#core.pins.device);
    const { transport } = this.#route;
    const socket = await this.#dial();
    try {
      const welcome = await socket.greet(signedHello(this.#core, this.#api.origin, ticket, epoch, transport));
      return welcome.frame === "ending" ? welcome : await this.#stay(socket, welcome);
    } finally {
      socket.close();
    }
  }

  async #dial(): Promise<Socket> {
    try {
      const socket = await Socket.dial(this.#route.dial);
      this.#route.led(true);
      return socket;
    } catch (error) {
      this.#route.led(false);
      throw error;
    }
  }

  /** Everything between a welcome and the end of its socket. */
  async #stay(socket: Socket, welcome: Welcome): Promise<Ending> {
    this.#socket = socket;
    const ticks = setInterval(() => void this.#tick().catch(() => socket.close()), TICK_MS);
    try {
      await this.#catchUp(welcome);
      this.#pump.attach((frame) => this.#send(frame));
      return await this.#frames(socket);
    } finally {
      clearInterval(ticks);
    }
  }

  async #catchUp(welcome: Welcome): Promise<void> {
    this.#say("catching_up");
    this.#rotation.correct(welcome.serverTime);
    await this.#rotation.mend(welcome);
    this.#directory.stale();
    await this.#directory.refresh();
    const pages = this.#pump.welcomed(!same(welcome.epoch, this.#core.profile.epoch));
    const writes = new Writes();
    this.#core.keepProfile(writes, { epoch: welcome.epoch, sessionEndsAt: welcome.clocks.endsAt });
    await this.#core.saved(writes);
    for (const ask of pages) this.#send({ frame: "fates", ask, settled: [] });
  }

  async #frames(socket: Socket): Promise<Ending> {
    for (;;) {
      let deliveries: Deliver[] = [];
      const take = async () => {
        if (deliveries.length) this.#send(await this.#intake.take(deliveries));
        deliveries = [];
      };
      for (const frame of await socket.batch()) {
        if (frame.frame === "deliver") {
          deliveries.push(frame);
          continue;
        }
        await take();
        if (frame.frame === "ending") return frame;
        await this.#frame(frame);
      }
      await take();
      this.#settle(SETTLED_PAGE);
    }
  }

  async #frame(frame: Exclude<ServerFrame, Deliver>): Promise<void> {
    switch (frame.frame) {
      case "receipt":
        return this.#receipt(frame);
      case "refused":
        return this.#pump.refused(frame);
      case "fleeting":
        return this.#intake.overhear(frame);
      case "fates":
        return this.#pump.fates(frame);
      case "notice":
        return this.#notice(frame);
      case "current":
        return this.#current(frame);
      case "welcome":
      case "bye":
        return; // a second welcome says nothing new; `Socket` keeps what a bye says
    }
  }

  #receipt(frame: Receipt): void {
    if (this.#pump.receipt(frame)) this.#send({ frame: "fates", ask: [frame.n], settled: [] });
  }

  /** Something changed: read it when it is needed next, and try what was held. */
  async #notice(frame: Notice): Promise<void> {
    if (frame.change === "members") await this.#directory.refresh();
    else if (frame.change !== "links") this.#directory.staleAccount(frame.subject);
    for (const scope of [...this.#core.talks.keys()].map(unhex))
      if (!this.#directory.unseen(scope).length) this.#pump.release(scope);
  }

  /** Everything up to then is opened and committed: old keys go, and so do removed devices (CRYPTO section 2). */
  async #current(frame: Current): Promise<void> {
    this.#core.keys.current(frame.at);
    this.#core.pins.current();
    await this.#core.saved();
    this.#backoff.reset();
    this.#say("current");
    this.#settle(1);
    for (const [scope, talk] of this.#core.talks)
      if (talk.read.length && talk.member) this.#sendIf(this.#whispers.read(unhex(scope)));
  }

  async #tick(): Promise<void> {
    this.#core.keys.tick(this.#core.nowMs());
    this.#pump.tick();
    await this.#rotation.rotate();
    await this.#core.saved();
    this.#settle(1);
  }

  #settle(least: number): void {
    const settled = this.#pump.takeSettled(least);
    if (settled.length) this.#send({ frame: "fates", ask: [], settled });
  }

  #sendIf(frame: ClientFrame | undefined): void {
    if (frame) this.#send(frame);
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(frame);
  }

  #say(link: Link, code = "", retryInMs = 0): void {
    this.#core.tell({ event: "link", link, code, retryInMs });
  }
}

/** A hello over this ticket, signed by the device (CRYPTO section 4). */
function signedHello(core: Core, origin: string, ticket: Bytes, epoch: Bytes, transport: Transport): Hello {
  const { listHash, version: listVersion } = core.ownList;
  const { tenant, account } = core.profile;
  const keyNo = core.keys.newest?.keyNo ?? 0;
  const device = core.pins.device;
  const said = { origin, account, transport, listVersion, listHash, keyNo, epoch };
  const statement = helloStatement({ ...said, tenant, deviceId: device, ticketHash: ticketHash(ticket) });
  const signature = core.device.sign(statement);
  return { frame: "hello", ticket, device, ...said, signature };
}
