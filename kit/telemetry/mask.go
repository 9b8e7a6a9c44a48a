package telemetry

// The shortest number that is masked is a mobile: eleven digits.
const shortest = 11

var masked = []byte("[masked]")

// Mask replaces what looks like a mobile number, an ID number or a bank card by "[masked]". Bare JSON numbers
// ("user_id":262144000000000001) are left: our ids are numbers, personal values are always strings. So are trace ids.
// A line without a long run of digits comes back as it is, without a copy.
func Mask(line []byte) []byte {
	if !hasLongNumber(line) {
		return line
	}
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		if !isWord(line[i]) {
			out = append(out, line[i])
			i++
			continue
		}
		end := wordEnd(line, i)
		if isDigit(line[i]) {
			if grouped := groupsEnd(line, i, end); grouped > end && isPersonal(digitsOf(line[i:grouped])) {
				out = append(out, masked...)
				i = grouped
				continue
			}
		}
		out = appendWord(out, line[i:end], isBareNumber(line, i))
		i = end
	}
	return out
}

// hasLongNumber is the cheap test that nearly every line fails: eleven digits, single spaces and dashes between them
// not counted.
func hasLongNumber(line []byte) bool {
	run := 0
	for i, c := range line {
		switch {
		case isDigit(c):
			run++
			if run >= shortest {
				return true
			}
		case (c == ' ' || c == '-') && i > 0 && isDigit(line[i-1]):
		default:
			run = 0
		}
	}
	return false
}

// appendWord copies a word, with its personal runs of digits masked.
func appendWord(out, word []byte, bare bool) []byte {
	if len(word) < shortest || bare || isTraceID(word) {
		return append(out, word...)
	}
	for i := 0; i < len(word); {
		if !isDigit(word[i]) {
			out = append(out, word[i])
			i++
			continue
		}
		end := i
		for end < len(word) && isDigit(word[end]) {
			end++
		}
		if end < len(word) && end-i == 17 && (word[end] == 'X' || word[end] == 'x') {
			end++
		}
		if isPersonal(word[i:end]) {
			out = append(out, masked...)
		} else {
			out = append(out, word[i:end]...)
		}
		i = end
	}
	return out
}

func isPersonal(run []byte) bool {
	switch n := len(run); {
	case n == 11:
		return isMobile(run)
	case n == 13 && run[0] == '8' && run[1] == '6':
		return isMobile(run[2:])
	case n == 18 && isIDNumber(run):
		return true
	case n >= 15 && n <= 19:
		return isCard(run)
	}
	return false
}

func isMobile(run []byte) bool { return run[0] == '1' && run[1] >= '2' }

// isIDNumber looks for a birth date where an ID number has it; the check digit is not asked for, since a mistyped
// number is as personal.
func isIDNumber(run []byte) bool {
	century := string(run[6:8])
	month := int(run[10]-'0')*10 + int(run[11]-'0')
	day := int(run[12]-'0')*10 + int(run[13]-'0')
	return (century == "18" || century == "19" || century == "20") && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

// isCard asks for Luhn's check digit, so that other long numbers stay readable.
func isCard(run []byte) bool {
	sum := 0
	for i := range run {
		c := run[len(run)-1-i]
		if !isDigit(c) {
			return false
		}
		d := int(c - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// groupsEnd finds where a number written in groups ("6222 0212 3456 7890") ends.
func groupsEnd(line []byte, start, end int) int {
	for k := start; k < end; k++ {
		if !isDigit(line[k]) {
			return end
		}
	}
	for end+1 < len(line) && (line[end] == ' ' || line[end] == '-') && isDigit(line[end+1]) && end-start <= 23 {
		next := wordEnd(line, end+1)
		for k := end + 1; k < next; k++ {
			if !isDigit(line[k]) {
				return end
			}
		}
		end = next
	}
	return end
}

func digitsOf(group []byte) []byte {
	out := make([]byte, 0, len(group))
	for _, c := range group {
		if isDigit(c) {
			out = append(out, c)
		}
	}
	return out
}

// isBareNumber says whether the word at i is the value of a JSON key, outside quotes.
func isBareNumber(line []byte, i int) bool {
	return i >= 3 && line[i-1] == ':' && line[i-2] == '"' && line[i-3] != '\\'
}

// isTraceID says whether a word is the hexadecimal id of a span or a trace, which may hold many digits.
func isTraceID(word []byte) bool {
	if len(word) != 16 && len(word) != 32 {
		return false
	}
	letters := false
	for _, c := range word {
		switch {
		case isDigit(c):
		case c >= 'a' && c <= 'f':
			letters = true
		default:
			return false
		}
	}
	return letters
}

func wordEnd(line []byte, i int) int {
	for i < len(line) && isWord(line[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}
