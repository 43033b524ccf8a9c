/**
 * Says what is wrong with the form that was meant: of a value that may have one of several forms, each with keys of its own,
 * only the form is spoken of whose keys fit best. All forms are, where none fits better than the others.
 */
import * as SchemaIssue from "effect/SchemaIssue"

/** The issue without what forms say that cannot have been meant. */
export const meant = (issue: SchemaIssue.Issue): SchemaIssue.Issue => {
  switch (issue._tag) {
    case "Pointer":
      return new SchemaIssue.Pointer(issue.path, meant(issue.issue))
    case "Filter":
      return new SchemaIssue.Filter(issue.filter, meant(issue.issue))
    case "Encoding":
      return new SchemaIssue.Encoding(issue.ast, meant(issue.issue))
    case "Composite": {
      const [first, ...others] = issue.issues
      return new SchemaIssue.Composite(issue.ast, [meant(first), ...others.map(meant)])
    }
    case "AnyOf": {
      const fewest = Math.min(...issue.issues.map(misfits))
      const best = issue.issues.filter((form) => misfits(form) === fewest)
      return new SchemaIssue.AnyOf(issue.ast, (best.length === 1 ? best : issue.issues).map(meant))
    }
    default:
      return issue
  }
}

/** How many keys a form lacks or does not know; a value that is no object of keys at all fits no form with keys. */
const misfits = (form: SchemaIssue.Issue): number => {
  switch (form._tag) {
    case "Composite":
      return form.issues.filter(isAboutKey).length
    case "Filter":
    case "Encoding":
      return misfits(form.issue)
    default:
      return Number.POSITIVE_INFINITY
  }
}

const isAboutKey = (issue: SchemaIssue.Issue): boolean =>
  issue._tag === "Pointer" &&
  issue.path.length === 1 &&
  (issue.issue._tag === "MissingKey" || issue.issue._tag === "UnexpectedKey")
