/** What a machine's settings may be: an impossible one is refused when the machine is made, by name. */

/** The value, if it is a finite number above zero. Throws a `RangeError` that names the option. */
export const positive = (option: string, value: number): number => {
  if (value > 0 && Number.isFinite(value)) return value
  throw new RangeError(`${option} must be a finite number above zero, got ${value}`)
}

/** The value, if it is a finite number of at least `minimum`. Throws a `RangeError` that names the option. */
export const atLeast = (option: string, minimum: number, value: number): number => {
  if (value >= minimum && Number.isFinite(value)) return value
  throw new RangeError(`${option} must be a finite number of at least ${minimum}, got ${value}`)
}

/** The value, if it is a whole number of at least `minimum`. Throws a `RangeError` that names the option. */
export const whole = (option: string, minimum: number, value: number): number => {
  if (value >= minimum && Number.isSafeInteger(value)) return value
  throw new RangeError(`${option} must be a whole number of at least ${minimum}, got ${value}`)
}

/** The value, if it lies strictly between 0 and 1, or is 1. Throws a `RangeError` that names the option. */
export const part = (option: string, value: number): number => {
  if (value > 0 && value <= 1) return value
  throw new RangeError(`${option} must be above 0 and at most 1, got ${value}`)
}
