/** Takes the fields away that are not there: as JSON they would be `null`, and a reader would have to know two absences. */
export const defined = <A extends object>(self: A): A => {
  for (const key of Object.keys(self)) if (Reflect.get(self, key) === undefined) Reflect.deleteProperty(self, key)
  return self
}
