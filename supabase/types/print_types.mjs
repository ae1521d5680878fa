// Standard input's TypeScript, one member a line: the Supabase CLI writes a view's columns all in one, so that a change
// of one would show as a change of all.

import { readFileSync } from "node:fs";

import ts from "typescript";

const source = ts.createSourceFile("database.ts", readFileSync(0, "utf-8"), ts.ScriptTarget.Latest);
process.stdout.write(ts.createPrinter().printFile(source));
