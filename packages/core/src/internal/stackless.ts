/**
 * Makes an error without a stack. A refusal is a decision of ours, made in the same place every time: a stack says nothing
 * about it, and costs more than all the rest of the pipeline when an outage brings thousands a second.
 */
export const stackless = <A>(make: () => A): A => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}
