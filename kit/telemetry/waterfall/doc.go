// Package waterfall draws one trace from a traces file: as a tree of text, or as a picture in which each span is a bar on
// the common time. Traces that a span links to, such as the callback of a channel that settles an order of an earlier
// request, are drawn where they are linked.
package waterfall
