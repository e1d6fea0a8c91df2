// An OPC UA PLC by node-opcua, which shares no line with our client's library. It is told what to
// be by one JSON argument and what to do by JSON lines on its standard input, and ends with it.
//
//     node opcua_node.mjs '{"modules": "var/interop/node_modules", "port": 4840, ...}'

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const spec = JSON.parse(process.argv[2]);
const found = createRequire(`${spec.modules}/here.js`).resolve("node-opcua");
console.log = console.warn = console.error = () => {}; // our standard output is for answers
const ua = await import(pathToFileURL(found));
const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

const policies = {
  None: ua.SecurityPolicy.None,
  Basic256Sha256: ua.SecurityPolicy.Basic256Sha256,
  Aes128Sha256RsaOaep: ua.SecurityPolicy.Aes128_Sha256_RsaOaep,
  Aes256Sha256RsaPss: ua.SecurityPolicy.Aes256_Sha256_RsaPss,
};
const modes = {
  None: ua.MessageSecurityMode.None,
  Sign: ua.MessageSecurityMode.Sign,
  SignAndEncrypt: ua.MessageSecurityMode.SignAndEncrypt,
};

const trust = new ua.OPCUACertificateManager({
  rootFolder: `${spec.folder}/pki`,
  automaticallyAcceptUnknownCertificate: spec.clients === undefined,
});
await trust.initialize();
for (const file of spec.clients ?? []) {
  await trust.trustCertificate(readFileSync(file));
}

const server = new ua.OPCUAServer({
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  port: spec.port,
  resourcePath: "/plc",
  serverInfo: { applicationUri: spec.uri },
  serverCertificateManager: trust,
  certificateFile: spec.certificate,
  privateKeyFile: spec.key,
  securityPolicies: spec.policies.map((name) => policies[name]),
  securityModes: spec.modes.map((name) => modes[name]),
  allowAnonymous: Object.keys(spec.logins ?? {}).length === 0,
  userManager: { isValidUser: (name, password) => (spec.logins ?? {})[name] === password },
  disableDiscovery: true,
  registerServerMethod: ua.RegisterServerMethod.HIDDEN,
  serverCapabilities: { operationLimits: spec.limits ?? {} },
});
await server.initialize();

const space = server.engine.addressSpace;
for (let number = 0; number < (spec.shift ?? 0); number += 1) {
  space.registerNamespace(`urn:another:${number}`);
}
const namespace = space.registerNamespace(spec.namespace);
const nodes = {};
for (const [name, [kind, value, writable]] of Object.entries(spec.variables)) {
  nodes[name] = namespace.addVariable({
    organizedBy: space.rootFolder.objects,
    nodeId: `s=${name}`,
    browseName: name,
    dataType: kind,
    minimumSamplingInterval: 100,
    accessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
    userAccessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
  });
  put(name, value, ua.StatusCodes.Good);
}

function put(name, value, status) {
  const kind = spec.variables[name][0];
  const wide = kind.endsWith("Int64"); // two halves, as this library has them
  if (wide) value = [Number(BigInt.asUintN(64, BigInt(value)) >> 32n), Number(BigInt(value) & 0xffffffffn)];
  const variant = { dataType: ua.DataType[kind], arrayType: ua.VariantArrayType.Scalar, value };
  nodes[name].setValueFromSource(new ua.Variant(variant), status, new Date());
}

const verbs = {
  set: ({ name, value, status }) => put(name, value, ua.StatusCodes[status ?? "Good"]),
  get: ({ name }) => nodes[name].readValue().value.value,
};

await server.start();
say({ port: spec.port });
for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  say({ answer: verbs[ask.do](ask) ?? null });
}
process.exit(0);
