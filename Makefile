# The contracts and everything generated from them. Deno is taken from the path, else through npm.
DENO ?= $(shell command -v deno >/dev/null 2>&1 && echo deno || echo npx -y deno@2.9.6)
GEN := $(DENO) run -A tools/gen.ts
VECTORS := $(DENO) run -A tools/vectors.ts

.PHONY: generate generate-ts generate-go generate-python generate-openapi generate-jsonschema generate-vectors \
	check-generated check-go lint format breaking release-contracts deps

# Everything that is generated and committed.
generate:
	$(GEN) all
	$(VECTORS)

# gen/ts and gen/descriptor.
generate-ts:
	$(GEN) ts

# gen/go.
generate-go:
	$(GEN) go

# gen/python.
generate-python:
	$(GEN) python

# gen/openapi.
generate-openapi:
	$(GEN) openapi

# gen/jsonschema.
generate-jsonschema:
	$(GEN) jsonschema

# testdata/vectors, from gen/ts and gen/descriptor.
generate-vectors:
	$(VECTORS)

# Fails when regenerating would change a committed file.
check-generated:
	$(GEN) check
	$(VECTORS) --check

# Compiles and vets gen/go.
check-go:
	$(GEN) check-go

# Lint and format of the .proto files.
lint:
	$(GEN) lint

# Formats the .proto files.
format:
	$(GEN) format

# Compares with the last release (proto/released.binpb.gz), or with AGAINST=<git ref>.
breaking:
	$(GEN) breaking $(AGAINST)

# Part of a release: from now on `breaking` compares with the contracts as they are.
release-contracts: check-generated
	$(GEN) release

# Fetches the .proto files of others that ours import.
deps:
	$(GEN) deps
