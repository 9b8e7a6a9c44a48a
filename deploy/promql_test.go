package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// query is what an expression of PromQL speaks of.
type query struct {
	metrics  []string
	matchers []matcher
	labels   []string // of by (...) and the like
}

// matcher is a condition on a label of a metric.
type matcher struct{ metric, label, operator, value string }

var (
	word     = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)
	duration = regexp.MustCompile(`^\[([0-9]+[smhdw])+(:([0-9]+[smhdw])*)?\]`)
	number   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?`)
	operator = regexp.MustCompile(`^(==|!=|>=|<=|>|<|\+|-|\*|/|%|\^)`)
	match    = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)`)
	list     = regexp.MustCompile(`^\s*\(\s*([a-zA-Z_][a-zA-Z0-9_]*(?:\s*,\s*[a-zA-Z_][a-zA-Z0-9_]*)*)?\s*\)`)
)

var (
	functions = []string{"sum", "max", "min", "avg", "count", "topk", "rate", "increase", "histogram_quantile"}
	joins     = []string{"and", "or", "unless"}
	listed    = []string{"by", "without", "on", "ignoring"}
)

// read takes an expression apart. It knows the part of PromQL that is used here and refuses the rest, so that nothing passes
// unread.
func read(expr string) (*query, error) {
	q := &query{}
	rest, depth, last := strings.TrimSpace(expr), 0, ""
	for rest != "" {
		var token string
		switch {
		case strings.HasPrefix(rest, "("):
			token = "("
			depth++
		case strings.HasPrefix(rest, ")"):
			token = ")"
			depth--
		case strings.HasPrefix(rest, ","):
			token = ","
		case strings.HasPrefix(rest, "{"):
			inside, _, closed := strings.Cut(rest[1:], "}")
			if !closed || !slices.Contains(q.metrics, last) {
				return nil, fmt.Errorf("a condition that is not closed or belongs to no metric: %s", rest)
			}
			if err := q.conditions(last, inside); err != nil {
				return nil, err
			}
			token = "{" + inside + "}"
		case strings.HasPrefix(rest, "["):
			token = duration.FindString(rest)
		case number.MatchString(rest):
			token = number.FindString(rest)
		case word.MatchString(rest):
			token = word.FindString(rest)
			after, err := q.word(token, rest[len(token):])
			if err != nil {
				return nil, err
			}
			token = rest[:len(rest)-len(after)]
		default:
			token = operator.FindString(rest)
		}
		if token == "" || depth < 0 {
			return nil, fmt.Errorf("not understood: %s", rest)
		}
		rest, last = strings.TrimSpace(rest[len(token):]), token
	}
	if depth != 0 || len(q.metrics) == 0 {
		return nil, fmt.Errorf("brackets do not close, or no metric is named: %s", expr)
	}
	return q, nil
}

// word takes a name and what belongs to it; it answers what comes after.
func (q *query) word(name, rest string) (string, error) {
	switch {
	case slices.Contains(joins, name):
		return rest, nil
	case slices.Contains(listed, name):
		found := list.FindStringSubmatch(rest)
		if found == nil {
			return "", fmt.Errorf("%s without a list: %s", name, rest)
		}
		for _, label := range strings.Split(found[1], ",") {
			if label = strings.TrimSpace(label); label != "" {
				q.labels = append(q.labels, label)
			}
		}
		return rest[len(found[0]):], nil
	case slices.Contains(functions, name):
		next := strings.TrimSpace(rest)
		if !strings.HasPrefix(next, "(") && !strings.HasPrefix(next, "by") {
			return "", fmt.Errorf("%s is a function and is not called: %s", name, rest)
		}
		return rest, nil
	case strings.HasPrefix(strings.TrimSpace(rest), "("):
		return "", fmt.Errorf("%s is no function that is known here", name)
	}
	q.metrics = append(q.metrics, name)
	return rest, nil
}

func (q *query) conditions(metric, inside string) error {
	for strings.TrimSpace(inside) != "" {
		found := match.FindStringSubmatch(inside)
		if found == nil {
			return fmt.Errorf("a condition that is not understood: %s", inside)
		}
		if _, err := regexp.Compile(found[3]); err != nil {
			return fmt.Errorf("a pattern that is none: %w", err)
		}
		q.matchers = append(q.matchers, matcher{metric, found[1], found[2], found[3]})
		inside = inside[len(found[0]):]
	}
	return nil
}
