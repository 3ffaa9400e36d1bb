// A device of Sotto over Socket.IO: says hello, sends one message, acknowledges what comes, says goodbye.
//
//   npm ci && node chat.mjs device.json [polling|websocket]
//
// device.json is what a client keeps of itself; README.md says where each field comes from. A real client seals its boxes
// for each device (docs/PROTOCOL.md 5); this one sends random bytes of the right length, which nobody can open.
import { readFile } from 'node:fs/promises'
import sodium from 'libsodium-wrappers'
import { io } from 'socket.io-client'

await sodium.ready
const SOCKETIO = 2 // the transport byte of the hello
const SMALLEST_BOX_BYTES = 544

const device = JSON.parse(await readFile(process.argv[2], 'utf8'))
const carrier = process.argv[3] ?? 'websocket'
const unb64 = (text) => Buffer.from(text, 'base64url')
const u16 = (n) => Buffer.from([n >> 8, n & 255])
const u32 = (n) => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255])
const labelled = (label, ...parts) => Buffer.concat([Buffer.from(`${label}\0`), ...parts])

// The session, on every request: polls, posts and the upgrade. A browser's cookie does it by itself.
const session = { Authorization: `Bearer ${device.token}` }

// A ticket is good for one hello of this session and this device, within 30 s.
async function ticket() {
  const answer = await fetch(`${device.url}/v1/tickets`, {
    method: 'POST',
    headers: { ...session, 'Content-Type': 'application/json' },
    body: JSON.stringify({ device: device.device }),
  })
  if (!answer.ok) throw new Error((await answer.json()).code)
  return unb64((await answer.json()).ticket)
}

// PROTOCOL 3.3, `hello`: the arguments, and the device's signature over tenant and all of them, of the ticket its hash.
async function hello() {
  const burnt = await ticket()
  const hash = sodium.crypto_generichash(32, labelled('sotto/v1/ticket', burnt))
  const origin = Buffer.from(device.url)
  const [account, id, listHash, epoch] = [device.account, device.device, device.list_hash, device.epoch].map(unb64)
  const statement = labelled(
    'sotto/v1/hello', unb64(device.tenant), u16(origin.length), origin, hash, account, id, Buffer.from([SOCKETIO]),
    u32(device.list_version), listHash, u32(device.key_no), epoch,
  )
  const { privateKey } = sodium.crypto_sign_seed_keypair(unb64(device.seed))
  const signature = Buffer.from(sodium.crypto_sign_detached(statement, privateKey))
  return [burnt, account, id, device.url, SOCKETIO, device.list_version, listHash, device.key_no, epoch, signature]
}

const socket = io(device.url, { transports: [carrier], extraHeaders: session })

socket.on('connect', async () => socket.emit('hello', ...(await hello()))) // anew after each reconnection
socket.on('connect_error', (error) => console.error('connect_error', error.message))

socket.on('welcome', (_serverTime, _epoch, highest) => {
  console.log('welcome', highest)
  const boxes = device.to.map(({ device: to, key_no }) => [
    unb64(to), key_no, Buffer.from(sodium.randombytes_buf(SMALLEST_BOX_BYTES)),
  ])
  // A real client has n, c and the content on disk before it sends: after a loss it repeats the same n.
  socket.emit('send', unb64(device.conversation), highest + 1, Buffer.from(sodium.randombytes_buf(32)), boxes)
})

socket.on('receipt', (n, mark) => console.log('receipt', n, mark))
socket.on('refused', (n, code) => console.log('refused', n, code))

socket.on('deliver', (number, _scope, _sender, n) => {
  console.log('deliver', n)
  socket.emit('ack', [number]) // a real client: once the message is opened and committed
  socket.emit('bye')
})

socket.on('bye', (code, _reason, retry) => {
  console.log('bye', code)
  if (!retry) socket.close()
})
