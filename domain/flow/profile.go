package flow

import "fmt"

// Profile is what is known of one application. Every field that may be missing has a companion "..._given"; rules must ask it. The
// zero value knows nothing. There is no field for sex, marital status, nationality or birthplace, and there must never be one.
type Profile struct {
	// The application.
	Product          string `json:"product" expr:"product"`
	AmountMinor      int64  `json:"amount_minor" expr:"amount_minor"`
	TermMonths       int64  `json:"term_months" expr:"term_months"`
	Purpose          string `json:"purpose" expr:"purpose"`
	OutstandingMinor int64  `json:"outstanding_minor" expr:"outstanding_minor"`

	// From the identity check, and the province of the home address as stated (never from the ID number).
	AgeYears      int64  `json:"age_years" expr:"age_years"`
	AgeYearsGiven bool   `json:"age_years_given" expr:"age_years_given"`
	Region        string `json:"region" expr:"region"`
	RegionGiven   bool   `json:"region_given" expr:"region_given"`

	// Stated by the applicant, codes of docs/applicant-form.md.
	StatusAccount              string `json:"status_account" expr:"status_account"`
	StatusAccountGiven         bool   `json:"status_account_given" expr:"status_account_given"`
	CreditHistory              string `json:"credit_history" expr:"credit_history"`
	CreditHistoryGiven         bool   `json:"credit_history_given" expr:"credit_history_given"`
	Savings                    string `json:"savings" expr:"savings"`
	SavingsGiven               bool   `json:"savings_given" expr:"savings_given"`
	EmploymentDuration         string `json:"employment_duration" expr:"employment_duration"`
	EmploymentDurationGiven    bool   `json:"employment_duration_given" expr:"employment_duration_given"`
	InstallmentRate            int64  `json:"installment_rate" expr:"installment_rate"`
	InstallmentRateGiven       bool   `json:"installment_rate_given" expr:"installment_rate_given"`
	OtherDebtors               string `json:"other_debtors" expr:"other_debtors"`
	OtherDebtorsGiven          bool   `json:"other_debtors_given" expr:"other_debtors_given"`
	PresentResidence           int64  `json:"present_residence" expr:"present_residence"`
	PresentResidenceGiven      bool   `json:"present_residence_given" expr:"present_residence_given"`
	Property                   string `json:"property" expr:"property"`
	PropertyGiven              bool   `json:"property_given" expr:"property_given"`
	OtherInstallmentPlans      string `json:"other_installment_plans" expr:"other_installment_plans"`
	OtherInstallmentPlansGiven bool   `json:"other_installment_plans_given" expr:"other_installment_plans_given"`
	Housing                    string `json:"housing" expr:"housing"`
	HousingGiven               bool   `json:"housing_given" expr:"housing_given"`
	NumberCredits              int64  `json:"number_credits" expr:"number_credits"`
	NumberCreditsGiven         bool   `json:"number_credits_given" expr:"number_credits_given"`
	Job                        string `json:"job" expr:"job"`
	JobGiven                   bool   `json:"job_given" expr:"job_given"`
	PeopleLiable               int64  `json:"people_liable" expr:"people_liable"`
	PeopleLiableGiven          bool   `json:"people_liable_given" expr:"people_liable_given"`
	Telephone                  string `json:"telephone" expr:"telephone"`
	TelephoneGiven             bool   `json:"telephone_given" expr:"telephone_given"`
	IncomeMinor                int64  `json:"income_minor" expr:"income_minor"`
	IncomeMinorGiven           bool   `json:"income_minor_given" expr:"income_minor_given"`

	// Derived by Complete.
	PrincipalPerMonthMinor int64 `json:"principal_per_month_minor" expr:"principal_per_month_minor"`
	IncomeYearsMilli       int64 `json:"income_years_milli" expr:"income_years_milli"`
	IncomeYearsMilliGiven  bool  `json:"income_years_milli_given" expr:"income_years_milli_given"`

	// Signs of the device, and whether a token of each kind was given.
	Emulator     bool `json:"emulator" expr:"emulator"`
	Rooted       bool `json:"rooted" expr:"rooted"`
	Proxy        bool `json:"proxy" expr:"proxy"`
	DeviceGiven  bool `json:"device_given" expr:"device_given"`
	IPGiven      bool `json:"ip_given" expr:"ip_given"`
	CardGiven    bool `json:"card_given" expr:"card_given"`
	MobileGiven  bool `json:"mobile_given" expr:"mobile_given"`
	AddressGiven bool `json:"address_given" expr:"address_given"`

	// Applications by others or by himself before this one, per token and window; 0 when the token was not given.
	DeviceApplications24h int64 `json:"device_applications_24h" expr:"device_applications_24h"`
	DeviceApplications7d  int64 `json:"device_applications_7d" expr:"device_applications_7d"`
	DeviceOtherUsers30d   int64 `json:"device_other_users_30d" expr:"device_other_users_30d"`
	IPApplications24h     int64 `json:"ip_applications_24h" expr:"ip_applications_24h"`
	IPApplications7d      int64 `json:"ip_applications_7d" expr:"ip_applications_7d"`
	IPOtherUsers24h       int64 `json:"ip_other_users_24h" expr:"ip_other_users_24h"`
	CardApplications24h   int64 `json:"card_applications_24h" expr:"card_applications_24h"`
	CardApplications7d    int64 `json:"card_applications_7d" expr:"card_applications_7d"`
	CardOtherUsers30d     int64 `json:"card_other_users_30d" expr:"card_other_users_30d"`
	MobileApplications24h int64 `json:"mobile_applications_24h" expr:"mobile_applications_24h"`
	MobileApplications7d  int64 `json:"mobile_applications_7d" expr:"mobile_applications_7d"`
	MobileOtherUsers30d   int64 `json:"mobile_other_users_30d" expr:"mobile_other_users_30d"`

	// Whether a token stands on the blacklist of its kind.
	ListedDevice  bool `json:"listed_device" expr:"listed_device"`
	ListedIP      bool `json:"listed_ip" expr:"listed_ip"`
	ListedCard    bool `json:"listed_card" expr:"listed_card"`
	ListedMobile  bool `json:"listed_mobile" expr:"listed_mobile"`
	ListedAddress bool `json:"listed_address" expr:"listed_address"`
}

// instalmentShareMilli is the middle of each band of the form's installment_rate, in thousandths of disposable income. The
// training uses the same figures (ml/scorecard/data.py).
var instalmentShareMilli = [...]int64{0, 400, 300, 225, 150}

// Complete derives what follows from the other fields: which optional fields were given, and ratios.
func (p *Profile) Complete() {
	p.AgeYearsGiven = p.AgeYears != 0
	p.RegionGiven = p.Region != ""
	p.StatusAccountGiven = p.StatusAccount != ""
	p.CreditHistoryGiven = p.CreditHistory != ""
	p.SavingsGiven = p.Savings != ""
	p.EmploymentDurationGiven = p.EmploymentDuration != ""
	p.InstallmentRateGiven = p.InstallmentRate != 0
	p.OtherDebtorsGiven = p.OtherDebtors != ""
	p.PresentResidenceGiven = p.PresentResidence != 0
	p.PropertyGiven = p.Property != ""
	p.OtherInstallmentPlansGiven = p.OtherInstallmentPlans != ""
	p.HousingGiven = p.Housing != ""
	p.NumberCreditsGiven = p.NumberCredits != 0
	p.JobGiven = p.Job != ""
	p.PeopleLiableGiven = p.PeopleLiable != 0
	p.TelephoneGiven = p.Telephone != ""
	p.IncomeMinorGiven = p.IncomeMinor != 0

	p.PrincipalPerMonthMinor, p.IncomeYearsMilli, p.IncomeYearsMilliGiven = 0, 0, false
	if p.TermMonths > 0 {
		p.PrincipalPerMonthMinor = (p.AmountMinor + p.TermMonths - 1) / p.TermMonths
	}
	if p.InstallmentRate >= 1 && p.InstallmentRate < int64(len(instalmentShareMilli)) {
		p.IncomeYearsMilli = instalmentShareMilli[p.InstallmentRate] * p.TermMonths / 12
		p.IncomeYearsMilliGiven = p.TermMonths > 0
	}
}

// ReadProfile reads a profile in JSON as a person or a program writes it, completes and checks it. Unknown fields are refused.
func ReadProfile(data []byte) (Profile, error) {
	var p Profile
	if err := strict(data, &p); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	p.Complete()
	if err := p.Check(); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	return p, nil
}
