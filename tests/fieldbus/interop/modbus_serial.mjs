// A Modbus/TCP device by modbus-serial for Node: registers 0 to 199, unit 1. Told what to do by
// JSON lines on its standard input, as opcua_node.mjs is.

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const spec = JSON.parse(process.argv[2]);
const { ServerTCP } = createRequire(`${spec.modules}/here.js`)("modbus-serial");
const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const image = new Uint16Array(200);

const device = {
  getHoldingRegister: (address) => image[address],
  getInputRegister: (address) => image[address],
  setRegister: (address, value) => {
    image[address] = value;
  },
};
const verbs = {
  set: ({ register, words }) => image.set(words, register),
  get: ({ register, count }) => [...image.subarray(register, register + count)],
  zero: () => image.fill(0) && null,
};

const server = new ServerTCP(device, { host: "127.0.0.1", port: spec.port, unitID: 1 });
server.on("initialized", async () => {
  say({ port: spec.port });
  for await (const line of createInterface({ input: process.stdin })) {
    const ask = JSON.parse(line);
    say({ answer: verbs[ask.do](ask) ?? null });
  }
  process.exit(0);
});
