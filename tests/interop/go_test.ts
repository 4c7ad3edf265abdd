import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { GO_CALLS, GO_ENUMS, GO_FIELDS } from "../contracts/_go_names.ts";
import { output, ROOT, withFolder } from "./_run.ts";
import { tools } from "./_tools.ts";

const MODULE = "github.com/Combine-Capital/cqc/gen/go";
const GO = join(ROOT, "gen", "go");

const goPackage = (name: string): string => `${name.split(".")[1]}v1`;
const goName = (name: string): string => name.split(".")[3] ?? "";
const goType = (type: string): string =>
  type.replace(/^Timestamp$/, "*timestamppb.Timestamp").replace(/^Struct$/, "*structpb.Struct");

/** A program that names every enum value, field and call of the platform's Go service. */
function userProgram(): string {
  const lines: string[] = [];
  for (const [name, values] of Object.entries(GO_ENUMS)) {
    const type = `${goPackage(name)}.${goName(name)}`;
    const prefix = goName(name).replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
    for (const value of values.split(" ")) {
      lines.push(`var _ ${type} = ${type}_${prefix}_${value}`);
    }
  }
  for (const [name, fields] of Object.entries(GO_FIELDS)) {
    const type = `${goPackage(name)}.${goName(name)}`;
    lines.push(`var _ proto.Message = (*${type})(nil)`);
    for (const [field = "", want = ""] of fields.split(" ").map((each) => each.split(":"))) {
      if (field !== "") lines.push(`var _ ${goType(want)} = (&${type}{}).${field}`);
    }
  }
  const served = Object.keys(GO_FIELDS).flatMap((name) =>
    /^cqc\.services\.v1\.(\w+)Request$/.exec(name)?.[1] ?? []
  );
  const methods = served.map((call) =>
    `func (server) ${call}(context.Context, *servicesv1.${call}Request) ` +
    `(*servicesv1.${call}Response, error) {\n\treturn &servicesv1.${call}Response{}, nil\n}\n`
  );
  const calls = GO_CALLS.split(" ").map((call) =>
    `\t_, err = client.${call}(ctx, &servicesv1.${call}Request{})\n\tfailed(err)`
  );
  const packages = ["assets", "events", "identifiers", "markets", "services", "venues"].map((
    each,
  ) => `\t${each}v1 "${MODULE}/cqc/${each}/v1"`);
  return `package main

import (
	"context"

${packages.join("\n")}
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

${lines.join("\n")}

type server struct {
	servicesv1.UnimplementedAssetRegistryServer
}

${methods.join("\n")}
func failed(err error) {
	if err != nil {
		panic(err)
	}
}

func use(ctx context.Context, conn grpc.ClientConnInterface) {
	client := servicesv1.NewAssetRegistryClient(conn)
	var err error
${calls.join("\n")}
}

func main() {
	s := grpc.NewServer()
	servicesv1.RegisterAssetRegistryServer(s, server{})
	id := "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901"
	print((&assetsv1.Asset{AssetId: &id}).GetAssetId())
	_ = use
}
`;
}

/** Makes the folder a module of a user, which takes the contracts from this checkout. */
function writeModule(folder: string, program: string): void {
  const requires = readFileSync(join(GO, "go.mod"), "utf8").replace(/^[\s\S]*?(?=^go )/m, "");
  writeFileSync(
    join(folder, "go.mod"),
    `module example.com/user\n\n${requires}\nrequire ${MODULE} v0.0.0\n\n` +
      `replace ${MODULE} => ${GO}\n`,
  );
  copyFileSync(join(GO, "go.sum"), join(folder, "go.sum"));
  writeFileSync(join(folder, "main.go"), program);
}

if (tools("go")) {
  test("gen/go compiles and is vetted with exactly the modules of its go.sum", async () => {
    const options = { cwd: GO, env: { ...process.env, GOFLAGS: "-mod=readonly" } };
    await output("go", ["build", "./..."], options);
    await output("go", ["vet", "./..."], options);
  });

  test("gen/go, a module that replaces it uses all names of the platform's service", async () => {
    await withFolder(async (folder) => {
      writeModule(folder, userProgram());
      const options = { cwd: folder, env: { ...process.env, GOFLAGS: "-mod=mod" } };
      await output("go", ["vet", "."], options);
      await output("go", ["build", "-o", "user", "."], options);
      await output(join(folder, "user"), []);
    });
  });

  test("gen/go, the module of a user with a field of another type does not compile", async () => {
    await withFolder(async (folder) => {
      const field = "(&assetsv1.Asset{}).AssetId";
      const wrong = `${userProgram()}\nvar _ *int64 = ${field}\n`;
      writeModule(folder, wrong);
      const options = { cwd: folder, env: { ...process.env, GOFLAGS: "-mod=mod" } };
      await assert.rejects(output("go", ["vet", "."], options), /\*int64/);
    });
  });
}
