// Package channel is where messages leave: one interface, a package for each channel, and the table in all. The suite in
// channeltest holds for every channel that goes outside.
package channel
