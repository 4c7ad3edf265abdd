// Lets suites that others wrote drive our bus and cache: requests and answers as JSON lines over
// standard input and output, mapped to the public API. The environment says what it runs on:
// CQI_DRIVER (memory, kafka, kafkajs), BROKERS, PARTITIONS, RF, REDIS_URL.
import process from "node:process";
import { messageOf } from "../../errors/mod.ts";
import { openBuses } from "./_buses.ts";
import { openValues } from "./_values.ts";
import { onLines, type Reply, type Request, requireRequest } from "./_protocol.ts";

const send: Reply = (message) => void process.stdout.write(`${JSON.stringify(message)}\n`);
const complain = (error: unknown): void => void process.stderr.write(`${messageOf(error)}\n`);

const buses = openBuses(process.env, send);
const values = openValues(process.env);

async function answer(request: Request, reply: Reply): Promise<void> {
  switch (request.op) {
    case "new":
      return reply({ h: await buses.open(request.group) });
    case "init":
      await buses.init(request.h, request.topic);
      return reply({});
    case "publish":
      await buses.publish(request.h, request.topic, request.msgs);
      return reply({});
    case "subscribe": {
      const { sub, begin } = await buses.subscribe(request.h, request.topic);
      reply({ sub });
      return begin();
    }
    case "close":
      await buses.close(request.h);
      return reply({});
    case "ack":
    case "nack":
      return buses.settle(request.sub, request.d, request.op === "ack");
    case "cancel":
      return await buses.cancel(request.sub);
    case "cacheSet":
      return reply(await values.set(request.key, request.value, request.ttl));
    case "cacheGet":
      return reply(await values.get(request.key));
    case "cacheDelete":
      return reply(await values.delete(request.key));
  }
}

async function take(line: string): Promise<void> {
  let id: unknown;
  try {
    const parsed = JSON.parse(line);
    id = parsed?.id;
    await answer(requireRequest(parsed), (fields) => send({ id, ...fields }));
  } catch (error) {
    if (id === undefined) complain(error);
    else send({ id, err: messageOf(error) });
  }
}

async function finish(): Promise<void> {
  try {
    await Promise.all([buses.closeAll(), values.close()]);
    process.exit(0);
  } catch (error) {
    complain(error);
    process.exit(1);
  }
}

// Each request starts in its turn and runs beside the others.
onLines(process.stdin, (line) => void take(line), () => void finish());
