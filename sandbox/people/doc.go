// Package people is the population of the sandbox: persons with ID number, mobile and bank cards, from which the
// identity bureau answers and whose balances the payment channels move.
//
// Nobody in it can be a real person: ID numbers stand in area codes 990000 and above, which are not assigned, mobiles
// begin with 12, which no operator has, and cards with the unassigned issuer range 9901. All pass their checksums, so that
// input checks are exercised as in life. What is made from a seed is always the same.
package people
