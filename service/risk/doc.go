// Package risk decides applications.
//
// It owns policies and scorecards (versions, what is live), the blacklist of tokens, the counts of applications per token, and every
// decision with its inputs. It calls nobody but user, for sealing keys, and reads no log yet. It tells risk.v1.Decided.
//
// It promises:
//   - An application is decided once. A repeated call gets the stored answer; the same application with other inputs is refused.
//   - The decision, the counts it was based on, the counts it causes and its event are one commit. Two applications that share a
//     token are decided one after the other, so neither misses the other in its counts.
//   - A decision can be repeated from its stored inputs and versions, and comes out the same but for elapsed times, until its inputs are
//     erased; its outcome and versions stay.
//   - Inputs by value rest sealed under the applicant's key of class "application". Tokens, never values, serve counts and lists.
//   - A policy is live only after another person than its proposer approved it; going back to one that was live is one act. Both
//     take effect with the next decision.
package risk
