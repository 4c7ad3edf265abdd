import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { messageTypes } from "../../contracts/mod.ts";
import { files } from "../../gen/ts/files.ts";
import { install, output, PYTHON, withFolder } from "./_run.ts";
import { tools } from "./_tools.ts";

const CHECKER = ["mypy==2.4.1", "types-protobuf==7.35.1.20260906", "types-grpcio==1.85.0.20261028"];

const IMPORT_ALL = `
import importlib, json, pkgutil
import cqc
from google.protobuf import descriptor_pool
names = [module.name for module in pkgutil.walk_packages(cqc.__path__, "cqc.")]
found = []
for name in names:
    module = importlib.import_module(name)
    if name.endswith("_pb2"):
        found += [each.full_name for each in module.DESCRIPTOR.message_types_by_name.values()]
print(json.dumps({"modules": names, "messages": sorted(found)}))
`;

/** Uses the package as its users do; mypy must take it as it stands. */
const TYPED = `
import grpc
from cqc.events.v1 import price_updated_pb2
from cqc.services.v1 import asset_registry_assets_pb2, asset_registry_pb2_grpc
from cqc.venues.v1 import fee_pb2

def amount(fee: fee_pb2.Fee) -> str:
    return fee.amount if fee.HasField("amount") else "0"

def get(channel: grpc.Channel, asset_id: str) -> str:
    stub = asset_registry_pb2_grpc.AssetRegistryStub(channel)
    request = asset_registry_assets_pb2.GetAssetRequest(asset_id=asset_id)
    return stub.GetAsset(request, timeout=1).asset.symbol

kind: fee_pb2.FeeKind.ValueType = fee_pb2.FEE_KIND_TRADING
event = price_updated_pb2.PriceUpdated(event_id="1")
`;

if (tools("python3")) {
  test("gen/python, a fresh environment imports every module and has every message", async () => {
    await withFolder(async (folder) => {
      const python = await install(folder, [PYTHON]);
      const found = JSON.parse(await output(python, ["-c", IMPORT_ALL], { cwd: folder })) as {
        modules: string[];
        messages: string[];
      };
      for (const file of files) {
        assert.ok(found.modules.includes(`${file.name.replaceAll("/", ".")}_pb2`), file.name);
      }
      assert.deepEqual(found.messages, messageTypes.map((type) => type.typeName));
      // The program of the README.
      const [, program = ""] = /```python\n([\s\S]*?)```/.exec(
        readFileSync(join(PYTHON, "README.md"), "utf8"),
      ) ?? [];
      await output(python, ["-c", program], { cwd: folder });
    });
  });

  test("gen/python, mypy takes the stubs in strict mode and finds a user's mistakes", async () => {
    await withFolder(async (folder) => {
      const python = await install(folder, [PYTHON, ...CHECKER]);
      const mypy = (...args: string[]): Promise<string> =>
        output(python, ["-m", "mypy", "--strict", ...args], { cwd: folder });
      await mypy("-p", "cqc", "-p", "buf.validate");
      writeFileSync(join(folder, "user.py"), TYPED);
      await mypy("user.py");
      writeFileSync(join(folder, "wrong.py"), `${TYPED}\nfee_pb2.Fee(amount=1)\n`);
      await assert.rejects(mypy("wrong.py"), /"amount" to "Fee" has incompatible type "int"/);
    });
  });

  test("gen/python, a source distribution has what it takes to build the package", async () => {
    await withFolder(async (folder) => {
      const python = await install(folder, ["build==1.3.0"]);
      await output(python, ["-m", "build", "--sdist", "--outdir", folder, PYTHON]);
      const other = join(folder, "other");
      const fresh = await install(other, [join(folder, "cqc-0.1.0.tar.gz")]);
      await output(fresh, ["-c", "from buf.validate import validate_pb2"], { cwd: other });
    });
  });
}
