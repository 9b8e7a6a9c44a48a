// Package score holds weight-of-evidence scorecards: a file of bins with points, and the arithmetic that turns a person's stated values
// into points, a probability of default and the characteristics that cost most points.
//
// A card is a file written by training (ml/). Loading checks all of it, so that a hostile or damaged file is an error and scoring can
// neither fail nor disagree with the file: bins cover every number once, points follow from weights, every characteristic has its
// sentences. Points are integers; the probability is a float that never flows back into an amount.
package score
