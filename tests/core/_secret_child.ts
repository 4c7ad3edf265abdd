// deno-lint-ignore-file no-console -- the console is what is under test
// Prints a secret in each way that a console has.

import { Secret } from "../../core/mod.ts";

const password = new Secret("hunter2");
const nested = new Secret({ password: "hunter2" });

console.log(password, nested, [password], { password }, new Map([["key", password]]));
console.log("%s %o %O %j", password, password, password, password);
console.error(new Error(`Cannot sign in with ${password}`, { cause: password }));
console.dir(nested, { showHidden: true, depth: 9 });
console.table([{ password }]);
await Promise.reject(password);
