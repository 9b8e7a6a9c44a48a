// Package journeybench measures how many borrowers a second can be taken from their quote to their money.
//
// A journey is five calls over HTTPS of somebody who has registered and was identified before: quote, apply, read the table of
// costs, confirm it, sign. Then the money goes out through a payment channel, whose signed callback is believed, and the journey
// ends when the loan can be read as running. Between these the state is asked for until it is reached, as the app does; what that
// takes is told by itself. Every journey begins with a new connection. The parties answer without delay, one order in ten a few
// milliseconds later; everything is signed as always; the contract is made as a record. Program, parties and generator share the
// machine.
//
//	make build && go test ./bench/journey -run none -bench . -benchtime 1x
//
// HENGDAI_TEST_BINARY names another binary than bin/hengdai, HENGDAI_TEST_JOURNEYS the number of journeys (1000),
// HENGDAI_TEST_AT_ONCE how many are under way together (32), HENGDAI_TEST_PROFILE a file for the program's processor profile of
// the measured time on SQLite. With HENGDAI_TEST_MYSQL_DSN (scripts/mariadb.sh) the same is done on MariaDB.
package journeybench
