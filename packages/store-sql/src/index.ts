export * as Database from "./Database.ts"
export * as DatabaseError from "./DatabaseError.ts"
export * as EventWriter from "./EventWriter.ts"
export * as Migrations from "./Migrations.ts"
