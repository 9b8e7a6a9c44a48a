package flow

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hengdai/hengdai/domain/score"
)

// Use is what a value may be used for. The groups of rules have the same names.
type Use string

// The uses.
const (
	Admission     Use = "admission"
	Fraud         Use = "fraud"
	Affordability Use = "affordability"
	Credit        Use = "credit"
)

// field is one input: what it may be used for and, for codes and bands, which values exist.
type field struct {
	uses  []Use
	codes []string
	most  int64
}

var (
	always     = []Use{Admission, Fraud, Affordability, Credit}
	admission  = []Use{Admission}
	fraudOnly  = []Use{Fraud}
	listed     = []Use{Admission, Fraud}
	creditable = []Use{Affordability, Credit}
)

// maxMinor bounds amounts so that the products in rules cannot overflow.
const maxMinor = 1_000_000_000_000

// fields is the table of inputs. What is not in it can be read by nothing; a test compares it with Profile and with the form's codes.
var fields = map[string]field{
	"product":           {uses: always},
	"amount_minor":      {uses: always, most: maxMinor},
	"term_months":       {uses: always, most: 600},
	"purpose":           {uses: always},
	"outstanding_minor": {uses: always, most: maxMinor},
	"age_years":         {uses: admission, most: 150},
	"region":            {uses: admission},

	"status_account":          {uses: creditable, codes: []string{"none", "overdrawn", "under_200", "over_200"}},
	"credit_history":          {uses: creditable, codes: []string{"delayed", "critical", "none_or_repaid", "repaying_duly", "repaid_here"}},
	"savings":                 {uses: creditable, codes: []string{"none_or_unknown", "under_100", "from_100", "from_500", "over_1000"}},
	"employment_duration":     {uses: creditable, codes: []string{"unemployed", "under_1y", "from_1y", "from_4y", "over_7y"}},
	"installment_rate":        {uses: creditable, most: 4},
	"other_debtors":           {uses: creditable, codes: []string{"none", "co_applicant", "guarantor"}},
	"present_residence":       {uses: creditable, most: 4},
	"property":                {uses: creditable, codes: []string{"none_or_unknown", "car_or_other", "savings_or_insurance", "real_estate"}},
	"other_installment_plans": {uses: creditable, codes: []string{"bank", "stores", "none"}},
	"housing":                 {uses: creditable, codes: []string{"free", "rent", "own"}},
	"number_credits":          {uses: creditable, most: 4},
	"job":                     {uses: creditable, codes: []string{"unskilled", "skilled", "highly_skilled"}},
	"people_liable":           {uses: creditable, most: 2},
	"telephone":               {uses: creditable, codes: []string{"no", "yes"}},
	"income_minor":            {uses: creditable, most: maxMinor},

	"principal_per_month_minor": {uses: creditable, most: maxMinor},
	"income_years_milli":        {uses: creditable, most: maxMinor},

	"emulator": {uses: fraudOnly}, "rooted": {uses: fraudOnly}, "proxy": {uses: fraudOnly},
	"device": {uses: fraudOnly}, "ip": {uses: fraudOnly}, "card": {uses: fraudOnly}, "mobile": {uses: fraudOnly}, "address": {uses: fraudOnly},
	"device_applications_24h": {uses: fraudOnly, most: maxMinor}, "device_applications_7d": {uses: fraudOnly, most: maxMinor},
	"device_other_users_30d": {uses: fraudOnly, most: maxMinor},
	"ip_applications_24h":    {uses: fraudOnly, most: maxMinor}, "ip_applications_7d": {uses: fraudOnly, most: maxMinor},
	"ip_other_users_24h":    {uses: fraudOnly, most: maxMinor},
	"card_applications_24h": {uses: fraudOnly, most: maxMinor}, "card_applications_7d": {uses: fraudOnly, most: maxMinor},
	"card_other_users_30d":    {uses: fraudOnly, most: maxMinor},
	"mobile_applications_24h": {uses: fraudOnly, most: maxMinor}, "mobile_applications_7d": {uses: fraudOnly, most: maxMinor},
	"mobile_other_users_30d": {uses: fraudOnly, most: maxMinor},

	"listed_device": {uses: listed}, "listed_ip": {uses: listed}, "listed_card": {uses: listed},
	"listed_mobile": {uses: listed}, "listed_address": {uses: listed},
}

// columns finds the struct field of each input by its json name, once.
var columns = func() map[string]int {
	kind := reflect.TypeFor[Profile]()
	found := make(map[string]int, kind.NumField())
	for i := range kind.NumField() {
		found[kind.Field(i).Tag.Get("json")] = i
	}
	return found
}()

// allowed tells whether an input, or the question whether it was given, may be read for a use.
func allowed(name string, use Use) bool {
	f, known := fields[strings.TrimSuffix(name, "_given")]
	return known && slices.Contains(f.uses, use)
}

// Invalid is a value that the form does not have.
type Invalid struct {
	// Field is the name of the input.
	Field string
}

// Error implements error. It does not show the value.
func (e *Invalid) Error() string { return "field " + e.Field + " has a value that does not exist" }

// Check says which field holds a value that the form does not have: an unknown code, or a number out of range.
func (p *Profile) Check() error {
	values := reflect.ValueOf(p).Elem()
	for _, name := range checked {
		f, value := fields[name], values.Field(columns[name])
		switch {
		case value.Kind() == reflect.Int64 && (value.Int() < 0 || value.Int() > f.most):
			return &Invalid{name}
		case value.Kind() == reflect.String && value.Len() > 64:
			return &Invalid{name}
		case len(f.codes) > 0 && value.Len() > 0 && !slices.Contains(f.codes, value.String()):
			return &Invalid{name}
		}
	}
	return nil
}

// checked lists the inputs in a fixed order, so that the same wrong profile always names the same field.
var checked = func() []string {
	kind := reflect.TypeFor[Profile]()
	var names []string
	for i := range kind.NumField() {
		name := kind.Field(i).Tag.Get("json")
		if _, known := fields[name]; known {
			names = append(names, name)
		}
	}
	return names
}()

// given tells whether an input is known. A boolean always is.
func (p *Profile) given(name string) bool {
	values := reflect.ValueOf(p).Elem()
	if at, optional := columns[name+"_given"]; optional {
		return values.Field(at).Bool()
	}
	value := values.Field(columns[name])
	return value.Kind() == reflect.Bool || !value.IsZero()
}

// reader takes a card's values out of a profile.
type reader struct {
	name   string
	at     int
	number bool
}

// readers binds a card's inputs to fields, or says which of them a card may not read.
func readers(card *score.Card) ([]reader, error) {
	var bound []reader
	for _, input := range card.Inputs() {
		if !allowed(input.Name, Credit) || strings.HasSuffix(input.Name, "_given") {
			return nil, fmt.Errorf("card %s reads %s, which is not an input for credit", card.Name(), input.Name)
		}
		at := columns[input.Name]
		isNumber := reflect.TypeFor[Profile]().Field(at).Type.Kind() == reflect.Int64
		if isNumber != input.Number {
			return nil, fmt.Errorf("card %s reads %s as another kind than it is", card.Name(), input.Name)
		}
		if codes := fields[input.Name].codes; len(codes) > 0 {
			for _, code := range input.Codes {
				if !slices.Contains(codes, code) {
					return nil, fmt.Errorf("card %s: %s has no code %q", card.Name(), input.Name, code)
				}
			}
		}
		bound = append(bound, reader{input.Name, at, input.Number})
	}
	return bound, nil
}

func values(p *Profile, bound []reader) []score.Value {
	fields := reflect.ValueOf(p).Elem()
	out := make([]score.Value, len(bound))
	for i, r := range bound {
		out[i].Given = p.given(r.name)
		if r.number {
			out[i].Number = fields.Field(r.at).Int()
		} else {
			out[i].Code = fields.Field(r.at).String()
		}
	}
	return out
}
