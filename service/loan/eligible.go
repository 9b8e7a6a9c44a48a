package loan

import (
	"fmt"
	"slices"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
)

// wish is what is asked for: of a quote, an application, a review.
type wish struct {
	AmountMinor int64
	TermMonths  int32
	Method      string
	// Purpose is not checked when empty.
	Purpose string
}

// refuse answers why the law or the product refuses a wish on a date, naming the rule; nil if it does not. The law comes
// first, so that what may never be lent is not answered with what happens not to be on offer.
func (s *Service) refuse(v *version, w wish, on calendar.Date) error {
	if err := refusedByLaw(&v.product, w, on); err != nil {
		return err
	}
	if w.Purpose != "" {
		if err := s.purposes.refuse(w.Purpose, &v.product); err != nil {
			return err
		}
	}
	return refusedByProduct(&v.product, w)
}

func refusedByProduct(p *product, w wish) error {
	yuan := func(minor int64) string { return money.CNY.Format(money.Amount(minor)) }
	switch {
	case !slices.Contains(p.TermsMonths, w.TermMonths):
		return errs.New(errs.Invalid, "term.not_offered", fmt.Sprintf("该产品不提供 %d 个月的期限。", w.TermMonths),
			fmt.Sprintf("This product has no term of %d months.", w.TermMonths)).On("termMonths")
	case !slices.Contains(p.Methods, w.Method):
		return errs.New(errs.Invalid, "method.not_offered", "该产品不提供此还款方式。", "This product does not offer this repayment method.").On("method")
	case w.AmountMinor < p.MinAmountMinor:
		return errs.New(errs.Invalid, "amount.below_minimum", "该产品最低金额为 "+yuan(p.MinAmountMinor)+" 元。",
			"The least amount of this product is CNY "+yuan(p.MinAmountMinor)+".").On("amountMinor")
	case w.AmountMinor > p.MaxAmountMinor:
		return errs.New(errs.Invalid, "amount.above_maximum", "该产品最高金额为 "+yuan(p.MaxAmountMinor)+" 元。",
			"The greatest amount of this product is CNY "+yuan(p.MaxAmountMinor)+".").On("amountMinor")
	case w.AmountMinor%p.AmountStepMinor != 0:
		return errs.New(errs.Invalid, "amount.not_multiple", "金额须为 "+yuan(p.AmountStepMinor)+" 元的整数倍。",
			"The amount must be a multiple of CNY "+yuan(p.AmountStepMinor)+".").On("amountMinor")
	}
	return nil
}

// consentCredit is the consent without which no application is taken.
const consentCredit = "credit_query"

// refusedByStanding answers why a person may not apply yet, and the card he may use.
func refusedByStanding(st *userv1.Standing, cardID int64, on calendar.Date) (*userv1.Card, error) {
	if st.GetState() != "identified" {
		return nil, errs.New(errs.Precondition, "applicant.not_identified", "请先完成实名认证。", "Please finish the identity check first.")
	}
	least, err := legal.Value(legal.AgeMin, legal.Any, on)
	if err != nil {
		return nil, errs.Wrap(err, "reading the least age")
	}
	if int64(st.GetAgeYears()) < least {
		return nil, errs.New(errs.Precondition, "applicant.under_age", fmt.Sprintf("未满 %d 周岁不能申请贷款。", least),
			fmt.Sprintf("A borrower must be %d or older.", least))
	}
	if !slices.Contains(st.GetConsents(), consentCredit) {
		return nil, errs.New(errs.Precondition, "consent.missing."+consentCredit, "请先授权征信查询。",
			"Please give the consent to a credit enquiry first.")
	}
	i := slices.IndexFunc(st.GetCards(), func(c *userv1.Card) bool { return c.GetCardId() == cardID })
	if i < 0 {
		return nil, errs.New(errs.Invalid, "card.unknown", "没有找到这张银行卡。", "There is no such card.").On("cardId")
	}
	if !st.GetCards()[i].GetVerified() {
		return nil, errs.New(errs.Precondition, "card.not_verified", "这张银行卡尚未通过验证。", "This card is not verified yet.").On("cardId")
	}
	return st.GetCards()[i], nil
}
