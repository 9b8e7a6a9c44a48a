package score

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits of a card file. They bound what a hostile file can make the loader do.
const (
	MaxFile            = 1 << 20
	maxCharacteristics = 200
	maxBins            = 500
	maxCodes           = 5000
	format             = 1
)

// Card is a checked scorecard. It does not change and may be used by many at once.
type Card struct {
	file file
	// index finds the bin of a code, one map per characteristic.
	index []map[string]int
	best  []int
}

type file struct {
	Name            string           `json:"name"`
	Format          int              `json:"format"`
	Target          string           `json:"target"`
	Data            json.RawMessage  `json:"data"`
	Validation      json.RawMessage  `json:"validation"`
	Scaling         Scaling          `json:"scaling"`
	Calibration     Calibration      `json:"calibration"`
	Intercept       float64          `json:"intercept"`
	Characteristics []characteristic `json:"characteristics"`
}

// Scaling says how points follow from odds: BaseScore points stand for BaseOdds good to one bad, PDO points double the odds.
type Scaling struct {
	PDO       int     `json:"pdo"`
	BaseScore int     `json:"base_score"`
	BaseOdds  float64 `json:"base_odds"`
}

// Calibration says what probability the card speaks of: the sample's bad rate was shifted to an assumed one.
type Calibration struct {
	SampleBadRate  float64 `json:"sample_bad_rate"`
	AssumedBadRate float64 `json:"assumed_bad_rate"`
	Slope          float64 `json:"slope"`
	Shift          float64 `json:"shift"`
}

type characteristic struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	Weight  float64 `json:"weight"`
	Reason  Reason  `json:"reason"`
	Bins    []bin   `json:"bins"`
	Missing bin     `json:"missing"`
}

// Reason is what a characteristic that cost points is called, for programs and for people.
type Reason struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

type bin struct {
	Codes   []string `json:"codes,omitempty"`
	From    *int64   `json:"from,omitempty"`
	Below   *int64   `json:"below,omitempty"`
	WOE     float64  `json:"woe"`
	Points  int      `json:"points"`
	Rows    int      `json:"rows"`
	BadRate float64  `json:"bad_rate"`
}

// The kinds of a characteristic.
const (
	kindCode   = "code"
	kindNumber = "number"
)

// Load reads and checks a card.
func Load(data []byte) (*Card, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("card: larger than %d bytes", MaxFile)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	card := &Card{}
	if err := decoder.Decode(&card.file); err != nil {
		return nil, fmt.Errorf("card: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("card: something follows it")
	}
	if err := card.check(); err != nil {
		return nil, fmt.Errorf("card %q: %w", card.file.Name, err)
	}
	return card, nil
}

func (c *Card) check() error {
	f := &c.file
	if f.Name == "" || len(f.Name) > 64 {
		return errors.New("name is empty or longer than 64 bytes")
	}
	if f.Format != format {
		return fmt.Errorf("format %d is not %d", f.Format, format)
	}
	if err := f.Scaling.check(); err != nil {
		return err
	}
	if !(f.Calibration.AssumedBadRate > 0 && f.Calibration.AssumedBadRate < 1) {
		return errors.New("assumed bad rate does not lie between 0 and 1")
	}
	if !(math.Abs(f.Intercept) <= 50) {
		return errors.New("intercept is beyond 50")
	}
	if len(f.Characteristics) == 0 || len(f.Characteristics) > maxCharacteristics {
		return fmt.Errorf("%d characteristics, 1 to %d are allowed", len(f.Characteristics), maxCharacteristics)
	}
	seen := map[string]bool{}
	for i := range f.Characteristics {
		one := &f.Characteristics[i]
		if seen[one.Name] {
			return fmt.Errorf("characteristic %s is there twice", one.Name)
		}
		seen[one.Name] = true
		index, err := c.checkCharacteristic(one)
		if err != nil {
			return fmt.Errorf("characteristic %q: %w", one.Name, err)
		}
		c.index = append(c.index, index)
		c.best = append(c.best, bestOf(one))
	}
	return nil
}

func (s Scaling) check() error {
	if s.PDO < 1 || s.PDO > 1000 || s.BaseScore < 0 || s.BaseScore > 100_000 {
		return errors.New("scaling: points to double the odds must be 1 to 1000 and the base score 0 to 100000")
	}
	if !(s.BaseOdds > 0 && s.BaseOdds < 1e6) {
		return errors.New("scaling: base odds must be positive")
	}
	return nil
}

func (c *Card) checkCharacteristic(one *characteristic) (map[string]int, error) {
	if one.Name == "" || len(one.Name) > 64 {
		return nil, errors.New("name is empty or longer than 64 bytes")
	}
	if one.Reason.Code == "" || one.Reason.ZH == "" || one.Reason.EN == "" {
		return nil, errors.New("a reason needs a code and a sentence in Chinese and English")
	}
	// A weight below zero would turn the bins' order round: the safer bin would cost points.
	if !(one.Weight >= 0 && one.Weight <= 50) {
		return nil, errors.New("weight is not between 0 and 50")
	}
	if len(one.Bins) == 0 || len(one.Bins) > maxBins {
		return nil, fmt.Errorf("%d bins, 1 to %d are allowed", len(one.Bins), maxBins)
	}
	for i, b := range append([]bin{one.Missing}, one.Bins...) {
		if !(math.Abs(b.WOE) <= 50) {
			return nil, fmt.Errorf("bin %d: weight of evidence is beyond 50", i)
		}
		if want := c.points(one.Weight, b.WOE); b.Points != want {
			return nil, fmt.Errorf("bin %d has %d points, its weight makes %d", i, b.Points, want)
		}
	}
	if len(one.Missing.Codes) > 0 || one.Missing.From != nil || one.Missing.Below != nil {
		return nil, errors.New("the missing bin has no values")
	}
	switch one.Kind {
	case kindCode:
		return codesOf(one.Bins)
	case kindNumber:
		return nil, intervalsOf(one.Bins)
	default:
		return nil, fmt.Errorf("kind %q is neither code nor number", one.Kind)
	}
}

// points scales a bin's part of the log-odds, with its share of intercept and offset, rounding half up.
func (c *Card) points(weight, woe float64) int {
	s := c.file.Scaling
	factor := float64(s.PDO) / math.Ln2
	offset := float64(s.BaseScore) - float64(factor*math.Log(s.BaseOdds))
	share := (offset + float64(factor*c.file.Intercept)) / float64(len(c.file.Characteristics))
	part := float64(factor * float64(weight*woe))
	return int(math.Floor(part + share + 0.5))
}

func codesOf(bins []bin) (map[string]int, error) {
	index := map[string]int{}
	for i, b := range bins {
		if b.From != nil || b.Below != nil || len(b.Codes) == 0 {
			return nil, fmt.Errorf("bin %d of a code has codes and no interval", i+1)
		}
		for _, code := range b.Codes {
			if _, twice := index[code]; twice || code == "" {
				return nil, fmt.Errorf("code %q is empty or in two bins", code)
			}
			index[code] = i
		}
	}
	if len(index) > maxCodes {
		return nil, fmt.Errorf("more than %d codes", maxCodes)
	}
	return index, nil
}

// intervalsOf checks that the bins cover every number exactly once, in rising order.
func intervalsOf(bins []bin) error {
	for i, b := range bins {
		switch {
		case len(b.Codes) > 0:
			return fmt.Errorf("bin %d of a number has codes", i+1)
		case (i == 0) != (b.From == nil):
			return fmt.Errorf("bin %d: only the first bin is open below", i+1)
		case (i == len(bins)-1) != (b.Below == nil):
			return fmt.Errorf("bin %d: only the last bin is open above", i+1)
		case i > 0 && *b.From != *bins[i-1].Below:
			return fmt.Errorf("bin %d does not begin where the one before ends", i+1)
		case b.From != nil && b.Below != nil && *b.From >= *b.Below:
			return fmt.Errorf("bin %d is empty", i+1)
		}
	}
	return nil
}

func bestOf(one *characteristic) int {
	best := one.Bins[0].Points
	for _, b := range one.Bins {
		best = max(best, b.Points)
	}
	return best
}
