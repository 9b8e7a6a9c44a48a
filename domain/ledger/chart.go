package ledger

import "strings"

// Kind is the nature of an account.
type Kind uint8

// Kinds of accounts. Memo accounts stand outside the balance sheet and balance among themselves.
const (
	Asset Kind = iota + 1
	Liability
	Clearing
	Income
	Expense
	Memo
)

var kindNames = [...]string{Asset: "asset", Liability: "liability", Clearing: "clearing", Income: "income", Expense: "expense", Memo: "memo"}

// String is the kind's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Accounts. A channel's account in transit is InTransit(channel).
const (
	Bank               = "1002"
	Custody            = "1014"
	Recoverable        = "1221"
	Unidentified       = "2241.unid"
	ChannelFees        = "6421"
	RecoverableLoss    = "6711"
	ClearingAccount    = "2290"
	Principal          = "1303"
	ReceivableInterest = "1132.I"
	ReceivableCompound = "1132.Cmp"
	ReceivablePenalty  = "1132.Pen"
	ReceivableFee      = "1132.F"
	ReceivableCost     = "1132.Cost"
	LossAllowance      = "1304"
	Impairment         = "6702"
	Unapplied          = "2241.unapplied"
	PayableReturned    = "2241.payable"
	RefundPayable      = "2241.refund"
	PayeeShares        = "2241.payee"
	InterestIncome     = "6011"
	FeeIncome          = "6021"
	TaxPending         = "2221.pending"
	TaxOutput          = "2221.output"
	Promotion          = "6601"
	MemoWrittenOff     = "9001"
	MemoWrittenOffX    = "9002"
	MemoInterest       = "9011"
	MemoInterestX      = "9012"

	inTransitPrefix = "3001."
)

// Account is a row of the chart.
type Account struct {
	Code   string
	ZH, EN string
	Kind   Kind
	// Which journals post to it: "P" payment, "L" loan.
	Journals string
}

// Chart is the chart of accounts. A code that ends in "." stands for one account per channel.
var Chart = []Account{
	{Bank, "银行存款", "Bank", Asset, "P"},
	{Custody, "存管账户", "Custody", Asset, "P"},
	{inTransitPrefix, "清算资金往来", "Channel in transit", Clearing, "P"},
	{Recoverable, "其他应收款", "Recoverable", Asset, "P"},
	{Unidentified, "其他应付款-待认领", "Unidentified receipts", Liability, "P"},
	{ChannelFees, "手续费支出", "Channel fees", Expense, "P"},
	{RecoverableLoss, "营业外支出", "Loss on recoverables", Expense, "P"},
	{ClearingAccount, "两本账清算", "Clearing between the journals", Clearing, "PL"},
	{Principal, "贷款", "Loan principal", Asset, "L"},
	{ReceivableInterest, "应收利息", "Interest receivable", Asset, "L"},
	{ReceivableCompound, "应收复利", "Compound interest receivable", Asset, "L"},
	{ReceivablePenalty, "应收罚息", "Penalty receivable", Asset, "L"},
	{ReceivableFee, "应收费用", "Fees receivable", Asset, "L"},
	{ReceivableCost, "应收垫付费用", "Court costs receivable", Asset, "L"},
	{LossAllowance, "贷款损失准备", "Loss allowance", Asset, "L"},
	{Impairment, "信用减值损失", "Credit impairment", Expense, "L"},
	{Unapplied, "其他应付款-待入账", "Unapplied receipts", Liability, "L"},
	{PayableReturned, "其他应付款-退票", "Payable to borrower", Liability, "L"},
	{RefundPayable, "其他应付款-应退款", "Refund payable", Liability, "L"},
	{PayeeShares, "其他应付款-合作方", "Payable to payees", Liability, "L"},
	{InterestIncome, "利息收入", "Interest income", Income, "L"},
	{FeeIncome, "手续费收入", "Fee income", Income, "L"},
	{TaxPending, "应交税费-待转销项税额", "Output VAT not yet due", Liability, "L"},
	{TaxOutput, "应交税费-应交增值税(销项)", "Output VAT", Liability, "L"},
	{Promotion, "销售费用", "Promotion", Expense, "L"},
	{MemoWrittenOff, "表外-已核销债权", "Memo: written-off claims", Memo, "L"},
	{MemoWrittenOffX, "表外-已核销债权对方", "Memo: written-off claims, contra", Memo, "L"},
	{MemoInterest, "表外-未收利息", "Memo: interest not accrued", Memo, "L"},
	{MemoInterestX, "表外-未收利息对方", "Memo: interest not accrued, contra", Memo, "L"},
}

// InTransit is the account of money on its way at a channel.
func InTransit(channel string) string { return inTransitPrefix + channel }

// Find answers the row of an account.
func Find(code string) (Account, bool) {
	for _, a := range Chart {
		if strings.HasSuffix(a.Code, ".") {
			if len(code) > len(a.Code) && strings.HasPrefix(code, a.Code) {
				return a, true
			}
			continue
		}
		if a.Code == code {
			return a, true
		}
	}
	return Account{}, false
}
