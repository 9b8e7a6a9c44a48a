package legal

import "github.com/hengdai/hengdai/domain/calendar"

// Parameter names a number.
type Parameter string

// Parameters.
const (
	CostCapTotal        Parameter = "cost_cap_total"           // total yearly cost of a new loan
	CostCapShort        Parameter = "cost_cap_short"           // the same for loans of at most one month
	CostCapRunning      Parameter = "cost_cap_running"         // interest, penalty, compound and fees a day after default
	CostTestEffective   Parameter = "cost_test_effective"      // 1: the cap is tested on the effective rate too
	PortfolioCost       Parameter = "portfolio_cost_quarter"   // average of a quarter's new loans
	LPROneYear          Parameter = "lpr_1y"                   // loan prime rate
	LPRFiveYears        Parameter = "lpr_5y"                   // loan prime rate
	LPRStaleDays        Parameter = "lpr_stale"                // after so many days the table is stale
	TermMax             Parameter = "term_max"                 // consumer purpose
	TermMaxBusiness     Parameter = "term_max_business"        // business purpose
	TermMaxBullet       Parameter = "term_max_bullet"          // principal in one sum at maturity
	AmountMax           Parameter = "amount_max"               // consumer line per borrower
	AmountMaxBusiness   Parameter = "amount_max_business"      // business line per household
	ESignMax            Parameter = "esign_max"                // above: sign in person, recorded
	AgeMin              Parameter = "age_min"                  // borrower's age
	PenaltyMin          Parameter = "penalty_min"              // overdue rate over contract rate
	PenaltyMax          Parameter = "penalty_max"              // overdue rate over contract rate
	MisuseMin           Parameter = "misuse_min"               // misuse rate over contract rate
	MisuseMax           Parameter = "misuse_max"               // misuse rate over contract rate
	ContactFrom         Parameter = "contact_from"             // first hour of contact
	ContactUntil        Parameter = "contact_until"            // hour at which contact ends
	CallsPerDay         Parameter = "calls_per_day"            // effective calls to a debtor
	TriesPerNumber      Parameter = "tries_per_number"         // unanswered tries on one number a day
	MessagesPerDay      Parameter = "messages_per_day"         // collection messages to a debtor
	ReadSeconds         Parameter = "disclosure_read_seconds"  // forced reading of the cost table
	RetainAML           Parameter = "retain_aml"               // identity and transactions
	RetainContract      Parameter = "retain_contract"          // contracts and their signatures
	RetainCollection    Parameter = "retain_collection"        // records of collection
	RetainAssessment    Parameter = "retain_assessment"        // impact assessments, sharing logs
	RetainBadRecord     Parameter = "retain_bad_record"        // at the credit bureau
	ClassMention        Parameter = "class_special_mention"    // more days past due than this
	ClassSubstandard    Parameter = "class_substandard"        // more days past due than this
	ClassDoubtful       Parameter = "class_doubtful"           // more days past due than this
	ClassLoss           Parameter = "class_loss"               // more days past due than this
	NonAccrualAfter     Parameter = "non_accrual_after"        // more days past due than this
	VATLending          Parameter = "vat_lending"              // on interest and fees, included in the price
	RefundWithin        Parameter = "refund_within"            // unapplied money goes back
	CreditDisputeWithin Parameter = "credit_dispute_within"    // answer to a dispute of a credit record
	LargeTransaction    Parameter = "large_transaction_person" // natural person, domestic, a day, one direction
	LimitationYears     Parameter = "limitation"               // of a claim
	CoolingOff          Parameter = "cooling_off_default"      // optional feature of a product
)

func on(year, month, day int) calendar.Date { return calendar.Of(year, month, day) }

// Table is every number applied.
var Table = []Row{
	// Cost.
	{CostCapTotal, Any, 240_000, RatePPM, on(2017, 8, 4), calendar.None, "R3 法发〔2017〕22号 Art. 2; R5 金规〔2025〕9号", ""},
	{CostCapTotal, Microloan, 240_000, RatePPM, on(2017, 8, 4), on(2027, 12, 31), "R3, R7 综合融资成本管理工作指引 (2025-12)", ""},
	{CostCapTotal, Microloan, 4, LPRMultiple, on(2028, 1, 1), calendar.None, "R7 综合融资成本管理工作指引: 4 x LPR for all new loans after 2027", ""},
	{CostCapTotal, OnlineMicroloan, 240_000, RatePPM, on(2017, 8, 4), on(2027, 12, 31), "R3, R7", ""},
	{CostCapTotal, OnlineMicroloan, 4, LPRMultiple, on(2028, 1, 1), calendar.None, "R7", ""},
	{CostCapShort, Microloan, 240_000, RatePPM, on(2025, 12, 24), calendar.None, "R7: loans of at most one month keep 24 %", ""},
	{CostCapShort, OnlineMicroloan, 240_000, RatePPM, on(2025, 12, 24), calendar.None, "R7: loans of at most one month keep 24 %", ""},
	{CostCapRunning, Any, 240_000, RatePPM, on(2017, 8, 4), calendar.None, "R3: interest + compound + penalty + damages + fees on unpaid principal", ""},
	{CostTestEffective, Any, 0, Count, on(2017, 8, 4), calendar.None, "R12: practice tests the simple rate (单利); 1 is the strict test", ""},
	{PortfolioCost, ConsumerFinance, 200_000, RatePPM, on(2026, 1, 1), calendar.None, "R8: guidance, average of new loans of a quarter", ""},
	// Limits of lending.
	{TermMax, Any, 60, Months, on(2024, 7, 1), calendar.None, "R34 个人贷款管理办法 Art. 8", ""},
	{TermMaxBusiness, Any, 60, Months, on(2024, 7, 1), calendar.None, "R34 Art. 8", ""},
	{TermMaxBullet, Bank, 12, Months, on(2020, 7, 17), calendar.None, "R35 商业银行互联网贷款管理暂行办法 Art. 6", ""},
	{AmountMax, Bank, 20_000_000, Fen, on(2020, 7, 17), calendar.None, "R35 Art. 6", ""},
	{AmountMax, ConsumerFinance, 20_000_000, Fen, on(2024, 4, 18), calendar.None, "R37 消费金融公司管理办法", ""},
	{AmountMax, OnlineMicroloan, 20_000_000, Fen, on(2025, 1, 17), calendar.None, "R37 小额贷款公司监督管理暂行办法", ""},
	{AmountMaxBusiness, OnlineMicroloan, 1_000_000_000, Fen, on(2025, 1, 17), calendar.None, "R37", ""},
	{ESignMax, Any, 20_000_000, Fen, on(2024, 7, 1), calendar.None, "R34 Art. 26: above, signed in person with recording", ""},
	{AgeMin, Any, 18, Years, on(1900, 1, 1), calendar.None, "R50; 民法典 Art. 17-18", ""},
	{ReadSeconds, Any, 10, Seconds, on(1900, 1, 1), calendar.None, "R9: forced reading time; the seconds are our choice", ""},
	{CoolingOff, Any, 7, DaysUnit, on(1900, 1, 1), calendar.None, "R38: no duty found; default of the optional feature", ""},
	// Default.
	{PenaltyMin, Any, 1300, Permille, on(2004, 1, 1), calendar.None, "R14 银发〔2003〕251号 Art. 3", ""},
	{PenaltyMax, Any, 1500, Permille, on(2004, 1, 1), calendar.None, "R14 银发〔2003〕251号 Art. 3", ""},
	{MisuseMin, Any, 1500, Permille, on(2004, 1, 1), calendar.None, "R14 银发〔2003〕251号 Art. 3", ""},
	{MisuseMax, Any, 2000, Permille, on(2004, 1, 1), calendar.None, "R14 银发〔2003〕251号 Art. 3", ""},
	{ClassMention, Any, 0, DaysUnit, on(2023, 7, 1), calendar.None, "R56 商业银行金融资产风险分类办法", ""},
	{ClassSubstandard, Any, 90, DaysUnit, on(2023, 7, 1), calendar.None, "R56", ""},
	{ClassDoubtful, Any, 270, DaysUnit, on(2023, 7, 1), calendar.None, "R56", ""},
	{ClassLoss, Any, 360, DaysUnit, on(2023, 7, 1), calendar.None, "R56", ""},
	{NonAccrualAfter, Any, 90, DaysUnit, on(1900, 1, 1), calendar.None, "R56 read with the lending design: income stops after 90 days", ""},
	{LimitationYears, Any, 3, Years, on(2017, 10, 1), calendar.None, "民法典 Art. 188", ""},
	// Contact.
	{ContactFrom, Any, 8, Hours, on(2025, 2, 28), calendar.None, "R45 GB/T 45251-2025; R46", ""},
	{ContactUntil, Any, 22, Hours, on(2025, 2, 28), calendar.None, "R45 GB/T 45251-2025; R46", ""},
	{CallsPerDay, Any, 3, Count, on(2025, 2, 28), calendar.None, "R45 GB/T 45251-2025", ""},
	{TriesPerNumber, Any, 6, Count, on(2026, 1, 1), calendar.None, "R46 催收工作指引", ""},
	{MessagesPerDay, Any, 3, Count, on(2025, 2, 28), calendar.None, "R45-R47: no number given; our choice", ""},
	// Keeping and answering.
	{RetainAML, Any, 10, Years, on(2025, 1, 1), calendar.None, "R51 反洗钱法 Art. 34", ""},
	{RetainAML, Any, 5, Years, on(2007, 1, 1), on(2024, 12, 31), "反洗钱法 (2006) Art. 19", ""},
	{RetainContract, Any, 5, Years, on(2005, 4, 1), calendar.None, "R41 电子签名法 Art. 24", ""},
	{RetainCollection, Any, 5, Years, on(2024, 4, 18), calendar.None, "R47", ""},
	{RetainAssessment, Any, 3, Years, on(2021, 11, 1), calendar.None, "R22 个人信息保护法 Art. 56", ""},
	{RetainBadRecord, Any, 5, Years, on(2013, 3, 15), calendar.None, "R28 征信业管理条例 Art. 16", ""},
	{CreditDisputeWithin, Any, 20, DaysUnit, on(2013, 3, 15), calendar.None, "R28 征信业管理条例 Art. 25", ""},
	{RefundWithin, Any, 3, WorkDays, on(1900, 1, 1), calendar.None, "money design: unapplied money goes back to its source", ""},
	{LargeTransaction, Any, 50_000_000, Fen, on(2017, 7, 1), calendar.None, "R53 令〔2016〕第3号", ""},
	// Tax.
	{VATLending, Any, 60_000, RatePPM, on(2016, 5, 1), calendar.None, "财税〔2016〕36号: 6 % on loan services, price includes tax [to be signed off]", ""},
	// Loan prime rate.
	{LPRStaleDays, Any, 35, DaysUnit, on(1900, 1, 1), calendar.None, "R61: published monthly", ""},
	{LPROneYear, Any, 42_500, RatePPM, on(2019, 8, 20), on(2019, 9, 19), "R61", ""},
	{LPROneYear, Any, 42_000, RatePPM, on(2019, 9, 20), on(2019, 11, 19), "R61", ""},
	{LPROneYear, Any, 41_500, RatePPM, on(2019, 11, 20), on(2020, 2, 19), "R61", ""},
	{LPROneYear, Any, 40_500, RatePPM, on(2020, 2, 20), on(2020, 4, 19), "R61", ""},
	{LPROneYear, Any, 38_500, RatePPM, on(2020, 4, 20), on(2021, 12, 19), "R61", ""},
	{LPROneYear, Any, 38_000, RatePPM, on(2021, 12, 20), on(2022, 1, 19), "R61", ""},
	{LPROneYear, Any, 37_000, RatePPM, on(2022, 1, 20), on(2022, 8, 21), "R61", ""},
	{LPROneYear, Any, 36_500, RatePPM, on(2022, 8, 22), on(2023, 6, 19), "R61", ""},
	{LPROneYear, Any, 35_500, RatePPM, on(2023, 6, 20), on(2023, 8, 20), "R61", ""},
	{LPROneYear, Any, 34_500, RatePPM, on(2023, 8, 21), on(2024, 7, 21), "R61", ""},
	{LPROneYear, Any, 33_500, RatePPM, on(2024, 7, 22), on(2024, 10, 20), "R61", ""},
	{LPROneYear, Any, 31_000, RatePPM, on(2024, 10, 21), on(2025, 5, 19), "R61", ""},
	{LPROneYear, Any, 30_000, RatePPM, on(2025, 5, 20), calendar.None, "R61; seen until 2026-08-20", ""},
	{LPRFiveYears, Any, 48_500, RatePPM, on(2019, 8, 20), on(2019, 11, 19), "R61", ""},
	{LPRFiveYears, Any, 48_000, RatePPM, on(2019, 11, 20), on(2020, 2, 19), "R61", ""},
	{LPRFiveYears, Any, 47_500, RatePPM, on(2020, 2, 20), on(2020, 4, 19), "R61", ""},
	{LPRFiveYears, Any, 46_500, RatePPM, on(2020, 4, 20), on(2022, 1, 19), "R61", ""},
	{LPRFiveYears, Any, 46_000, RatePPM, on(2022, 1, 20), on(2022, 5, 19), "R61", ""},
	{LPRFiveYears, Any, 44_500, RatePPM, on(2022, 5, 20), on(2022, 8, 21), "R61", ""},
	{LPRFiveYears, Any, 43_000, RatePPM, on(2022, 8, 22), on(2023, 6, 19), "R61", ""},
	{LPRFiveYears, Any, 42_000, RatePPM, on(2023, 6, 20), on(2024, 2, 19), "R61", ""},
	{LPRFiveYears, Any, 39_500, RatePPM, on(2024, 2, 20), on(2024, 7, 21), "R61", ""},
	{LPRFiveYears, Any, 38_500, RatePPM, on(2024, 7, 22), on(2024, 10, 20), "R61", ""},
	{LPRFiveYears, Any, 36_000, RatePPM, on(2024, 10, 21), on(2025, 5, 19), "R61", ""},
	{LPRFiveYears, Any, 35_000, RatePPM, on(2025, 5, 20), calendar.None, "R61; seen until 2026-08-20", ""},
}

// Pending lists numbers that would loosen a limit and wait for a compliance officer. They are not applied.
var Pending = []Row{
	{TermMax, Bank, 84, Months, on(2025, 3, 21), calendar.None, "R36: temporary easing, its end is not known", ""},
	{AmountMax, Bank, 30_000_000, Fen, on(2025, 3, 21), calendar.None, "R36: temporary easing, its end is not known", ""},
	{ClassMention, Any, 7, DaysUnit, on(2023, 7, 1), calendar.None, "R56: a short technical delay may be excepted; the days are not confirmed", ""},
}
