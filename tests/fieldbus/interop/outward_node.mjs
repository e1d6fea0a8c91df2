// A SCADA client by node-opcua against our outward server: it reads, subscribes to alarms and
// acknowledges one, then says what it saw as one line of JSON on its standard output.
//
//     node outward_node.mjs '{"modules": "var/interop/node_modules", "endpoint": "opc.tcp://...", ...}'

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const spec = JSON.parse(process.argv[2]);
const found = createRequire(`${spec.modules}/here.js`).resolve("node-opcua");
console.log = console.warn = console.error = () => {}; // our standard output is for the answer
const ua = await import(pathToFileURL(found));
const answer = { events: [] };

const trust = new ua.OPCUACertificateManager({ rootFolder: `${spec.folder}/pki` });
await trust.initialize();
await trust.trustCertificate(readFileSync(spec.server));

const client = ua.OPCUAClient.create({
  applicationUri: spec.uri,
  clientCertificateManager: trust,
  certificateFile: spec.certificate,
  privateKeyFile: spec.key,
  securityMode: ua.MessageSecurityMode.SignAndEncrypt,
  securityPolicy: ua.SecurityPolicy.Aes256_Sha256_RsaPss,
  endpointMustExist: true,
  connectionStrategy: { maxRetry: 1, initialDelay: 100 },
});
try {
  await client.connect(spec.endpoint);
  const user = { type: ua.UserTokenType.UserName, userName: spec.user, password: spec.password };
  const session = await client.createSession(user);
  await session.readNamespaceArray();
  const index = session.getNamespaceIndex("urn:rheostat:outward");
  const at = (path) => `ns=${index};s=${path}`;

  const value = await session.read({ nodeId: at(spec.path), attributeId: ua.AttributeIds.Value });
  answer.value = value.value.value;
  answer.status = value.statusCode.name;
  const range = await session.read({ nodeId: at(`${spec.path}/EURange`), attributeId: ua.AttributeIds.Value });
  answer.range = [range.value.value.low, range.value.value.high];
  const unit = await session.read({ nodeId: at(`${spec.path}/EngineeringUnits`), attributeId: ua.AttributeIds.Value });
  answer.unit = unit.value.value.unitId;
  const written = await session.write({
    nodeId: at(spec.path), attributeId: ua.AttributeIds.Value,
    value: { value: { dataType: ua.DataType.Double, value: 1.0 } },
  });
  answer.written = written.name;

  const fields = ["EventId", "ConditionName", "Message", "Severity", "Retain", "ActiveState.Id", "AckedState.Id"];
  const filter = ua.constructEventFilter(fields, ua.resolveNodeId("AlarmConditionType"));
  filter.selectClauses.push(
    new ua.SimpleAttributeOperand({
      typeDefinitionId: ua.resolveNodeId("ConditionType"), browsePath: [], attributeId: ua.AttributeIds.NodeId,
    }),
  );
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 100, requestedMaxKeepAliveCount: 20, requestedLifetimeCount: 1000,
    maxNotificationsPerPublish: 100, publishingEnabled: true, priority: 1,
  });
  const watch = await subscription.monitor(
    { nodeId: ua.resolveNodeId("Server"), attributeId: ua.AttributeIds.EventNotifier },
    { samplingInterval: 0, discardOldest: true, queueSize: 100, filter },
    ua.TimestampsToReturn.Both,
  );
  const heard = [];
  watch.on("changed", (event) => heard.push(event.map((field) => field.value)));
  const until = async (fact) => {
    for (let tries = 0; tries < 300; tries += 1) {
      const one = heard.find(fact);
      if (one) return one;
      await new Promise((go) => setTimeout(go, 100));
    }
    throw new Error(`nothing came: ${JSON.stringify(heard)}`);
  };
  await session.call({
    objectId: ua.resolveNodeId("ConditionType"), methodId: ua.resolveNodeId("ConditionType_ConditionRefresh"),
    inputArguments: [{ dataType: ua.DataType.UInt32, value: subscription.subscriptionId }],
  });
  const event = await until((one) => one[1] === spec.alarm && one[6] === false);
  answer.raised = { message: event[2].text, severity: event[3], retain: event[4], active: event[5] };
  answer.condition = event[7].toString();
  const done = await session.acknowledgeCondition(event[7], event[0], "seen from node-opcua");
  answer.acknowledged = done.name;
  const after = await until((one) => one[1] === spec.alarm && one[6] === true);
  answer.after = { active: after[5], acked: after[6] };
  await session.close();
} catch (error) {
  answer.error = String(error.message).split("\n")[0];
}
await client.disconnect();
process.stdout.write(JSON.stringify(answer) + "\n", () => process.exit(0));
