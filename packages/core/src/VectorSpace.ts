/**
 * The space that the vectors of an embedding route live in, for whoever stores them. Write it down beside every vector and
 * compare only those with the same name: the vectors of two models look alike and have nothing to do with one another.
 */
import * as Context from "effect/Context"

/**
 * The name of the space, such as `gemini-embedding-001@3072`. It holds for vectors of the length that the lanes make
 * unasked: shorter ones, asked for by `dimensions`, are of a space of their own.
 */
export class VectorSpace extends Context.Service<VectorSpace, string>()("@holdfast/core/VectorSpace") {}
