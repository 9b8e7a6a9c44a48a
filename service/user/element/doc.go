// Package element checks the form of what identifies a person: mobile, ID number, name and card number. A check finds
// errors of input; it never proves who somebody is.
//
// In the sandbox profile numbers that can belong to nobody are let in beside real ones: mobiles below 13, ID
// area codes from 99, cards of issuer 9901. In production they are refused.
package element
