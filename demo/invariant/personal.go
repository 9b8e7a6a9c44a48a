package invariant

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode/utf8"
)

// values are what belongs to the persons of the population, and what kind each is.
type values map[string]string

// population reads them from the parties.
func (l *look) population(ctx context.Context) (values, error) {
	of := values{}
	err := l.books.each(ctx, "sandbox", `SELECT id_no, name, mobile FROM person`, func(r *sql.Rows) error {
		var idNo, name, mobile string
		err := r.Scan(&idNo, &name, &mobile)
		of[idNo], of[name], of[mobile] = "an ID number", "a name", "a mobile"
		return err
	})
	if err != nil {
		return nil, err
	}
	err = l.books.each(ctx, "sandbox", `SELECT card_no, holder, mobile FROM card`, func(r *sql.Rows) error {
		var card, name, mobile string
		err := r.Scan(&card, &name, &mobile)
		of[card], of[name], of[mobile] = "a card", "a name", "a mobile"
		return err
	})
	delete(of, "")
	return of, err
}

// column is a column that can hold text or bytes.
type column struct{ table, name string }

// columns answers those of a service's database.
func (l *look) columns(ctx context.Context, service string) ([]column, error) {
	query := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND upper(p.type) NOT LIKE '%INT%' ORDER BY m.name, p.cid`
	if l.books.of[service].engine == "mysql" {
		query = `SELECT table_name, column_name FROM information_schema.columns
			WHERE table_schema = DATABASE() AND data_type NOT LIKE '%int%' ORDER BY table_name, ordinal_position`
	}
	return rows(ctx, l.books, service, query, func(r *sql.Rows, c *column) error { return r.Scan(&c.table, &c.name) })
}

// personalNowhere looks for the population's values in every column of every table that can hold them.
func personalNowhere(ctx context.Context, l *look, f *finding) error {
	of, err := l.population(ctx)
	if err != nil {
		return err
	}
	if len(of) == 0 {
		return nil // and so nothing examined
	}
	for _, service := range ours {
		columns, err := l.columns(ctx, service)
		if err != nil {
			return err
		}
		for from := 0; from < len(columns); {
			to := from
			for to < len(columns) && columns[to].table == columns[from].table {
				to++
			}
			if err := l.scanTable(ctx, f, service, columns[from:to], of); err != nil {
				return err
			}
			from = to
		}
	}
	return nil
}

func (l *look) scanTable(ctx context.Context, f *finding, service string, columns []column, of values) error {
	quote := `"`
	if l.books.of[service].engine == "mysql" {
		quote = "`"
	}
	names, cells, into := make([]string, len(columns)), make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		names[i], into[i] = quote+c.name+quote, &cells[i]
	}
	query := fmt.Sprintf("SELECT %s FROM %s%s%s", strings.Join(names, ", "), quote, columns[0].table, quote)
	told := map[string]bool{}
	return l.books.each(ctx, service, query, func(r *sql.Rows) error {
		if err := r.Scan(into...); err != nil {
			return err
		}
		f.saw(len(cells))
		for i := range cells {
			kind := of.in(cells[i])
			if kind == "" || told[columns[i].name+kind] {
				continue
			}
			told[columns[i].name+kind] = true // once a column
			f.wrong("%s: column %s of %s holds %s that can be read", service, columns[i].name, columns[i].table, kind)
		}
		return nil
	})
}

// in answers what kind of a value a text holds, or nothing. Numbers are looked for at the beginning of every run of
// digits, also behind the country's code; names of three characters or more anywhere in Chinese text, those of two where
// they stand by themselves: two characters happen to meet in prose.
func (v values) in(text []byte) string {
	for i := 0; i < len(text); {
		var kind string
		end := i + 1
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			for end < len(text) && text[end] >= '0' && text[end] <= '9' {
				end++
			}
			kind = v.number(text[i:], end-i)
			if kind == "" && end-i == 13 && text[i] == '8' && text[i+1] == '6' {
				kind = v.number(text[i+2:], 11)
			}
		case c >= 0xE4 && c <= 0xE9:
			for end = i; han(text[end:]); {
				end += hanBytes
			}
			kind = v.name(text[i:end])
			end = max(end, i+1)
		}
		if kind != "" {
			return kind
		}
		i = end
	}
	return ""
}

// hanBytes is how long a Chinese character is.
const hanBytes = 3

// han says that a text begins with a Chinese character.
func han(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return r >= 0x4E00 && r <= 0x9FFF
}

// number looks at the beginning of a run of so many digits: a mobile has 11, a card 16 to 19, an ID number 18 or 17 and an X.
func (v values) number(text []byte, run int) string {
	for _, n := range [...]int{11, 16, 17, 18, 19} {
		if n <= run {
			if kind := v[string(text[:n])]; kind != "" {
				return kind
			}
		}
	}
	if run == 17 && len(text) > 17 {
		return v[strings.ToUpper(string(text[:18]))]
	}
	return ""
}

// name looks through a run of Chinese characters.
func (v values) name(run []byte) string {
	if len(run) == 2*hanBytes {
		return v[string(run)]
	}
	for i := 0; i < len(run); i += hanBytes {
		for n := 3 * hanBytes; n <= 4*hanBytes && i+n <= len(run); n += hanBytes {
			if kind := v[string(run[i:i+n])]; kind != "" {
				return kind
			}
		}
	}
	return ""
}
