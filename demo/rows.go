package demo

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// Row is one applicant of the file: what he asks for, what he states, and, visible to no service, how he will behave.
type Row struct {
	Number      int
	AmountMinor int64
	TermMonths  int32
	Purpose     string
	Age         int
	// Stated holds form field -> code, as docs/applicant-form.md publishes them.
	Stated map[string]string
	// Good is the file's own label. Only the sandbox's bank account of the borrower feels it.
	Good bool
}

// mapping is the published table that turns a row of the file into an application.
type mapping struct {
	Currency struct {
		MinorPerUnit int64 `json:"minor_units_per_unit"`
	} `json:"currency"`
	Columns []struct {
		Column string            `json:"column"`
		Target string            `json:"target"`
		Field  string            `json:"field"`
		Kind   string            `json:"kind"`
		Codes  map[string]string `json:"codes"`
	} `json:"columns"`
	Label struct {
		Column string `json:"column"`
		Good   string `json:"good"`
	} `json:"label"`
}

// ReadRows turns the applicants of a file into applications by the mapping file: all of them, or limit of them spread
// evenly over the file, which may be sorted by how its people ended.
func ReadRows(applicants, mappingFile string, limit int) ([]Row, error) {
	text, err := os.ReadFile(mappingFile) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read the table of codes: %w", err)
	}
	var table mapping
	if err := json.Unmarshal(text, &table); err != nil {
		return nil, fmt.Errorf("read the table of codes %s: %w", mappingFile, err)
	}
	file, err := os.Open(applicants) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open the applicants: %w", err)
	}
	defer func() { _ = file.Close() }()
	rows, err := table.rows(csv.NewReader(file))
	if err != nil || limit <= 0 || limit >= len(rows) {
		return rows, err
	}
	chosen := make([]Row, limit)
	for i := range chosen {
		chosen[i] = rows[i*len(rows)/limit]
	}
	return chosen, nil
}

func (m mapping) rows(in *csv.Reader) ([]Row, error) {
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read the head of the applicants' file: %w", err)
	}
	var rows []Row
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read applicant %d: %w", len(rows)+1, err)
		}
		row, err := m.row(len(rows)+1, head, cells)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

func (m mapping) row(number int, head, cells []string) (Row, error) {
	row := Row{Number: number, Stated: map[string]string{}}
	cell := func(column string) (string, error) {
		at := slices.Index(head, column)
		if at < 0 {
			return "", fmt.Errorf("the applicants' file has no column %q", column)
		}
		return cells[at], nil
	}
	for _, c := range m.Columns {
		value, err := cell(c.Column)
		if err != nil {
			return row, err
		}
		if c.Kind == "code" {
			code, known := c.Codes[value]
			if !known {
				return row, fmt.Errorf("applicant %d: %s has the code %q, which the table does not know", number, c.Column, value)
			}
			value = code
		}
		if err := row.set(c.Target, c.Field, value, m.Currency.MinorPerUnit); err != nil {
			return row, err
		}
	}
	label, err := cell(m.Label.Column)
	row.Good = label == m.Label.Good
	return row, err
}

func (r *Row) set(target, field, value string, minorPerUnit int64) error {
	if target == "stated" {
		r.Stated[field] = value
		return nil
	}
	if field == "purpose" {
		r.Purpose = value
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("applicant %d: %s is %q, want a whole number", r.Number, field, value)
	}
	switch field {
	case "amount_minor":
		r.AmountMinor = n * minorPerUnit
	case "term_months":
		r.TermMonths = int32(n)
	case "age_years":
		r.Age = int(n)
	default:
		return fmt.Errorf("the table of codes names an unknown field %q", field)
	}
	return nil
}
