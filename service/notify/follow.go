package notify

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/clock"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/rows"
	"github.com/hengdai/hengdai/service/notify/template"
)

// follow names what each event of the four logs makes.
func (s *Service) follow() {
	d := s.deps
	s.followers = []follower{
		{"user", eventlog.Follow(d.DB, "user", d.UserLog,
			eventlog.On(s.onCode),
			on(s, func(*userv1.IdentityVerified) draft { return draft{Template: "identity.verified"} }),
			on(s, func(*userv1.IdentityRefused) draft { return draft{Template: "identity.refused"} }),
			on(s, func(e *userv1.CardBound) draft { return draft{Template: "card.bound", SubjectID: e.GetCardId()} }),
			on(s, func(e *userv1.CardUnbound) draft { return draft{Template: "card.unbound", SubjectID: e.GetCardId()} }),
		)},
		{"loan", eventlog.Follow(d.DB, "loan", d.LoanLog,
			on(s, applicationMoved), on(s, contractSigned), on(s, loanMoved), on(s, scheduleFixed), on(s, billIssued),
			on(s, repaymentApplied), on(s, debitFailed), on(s, overdueChanged),
		)},
		{"collection", eventlog.Follow(d.DB, "collection", d.CollectionLog, on(s, s.contactPlanned), eventlog.On(s.onContactWithdrawn))},
		{"payment", eventlog.Follow(d.DB, "payment", d.PaymentLog, on(s, orderSettled))},
	}
}

// on makes a handler from what an event says to the person it concerns: a draft without template says nothing.
func on[T proto.Message](s *Service, say func(e T) draft) eventlog.Handler {
	return eventlog.On(func(ctx context.Context, tx *store.Tx, m eventlog.Meta, e T) error {
		d := say(e)
		if d.Template == "" || m.UserID == 0 {
			return nil
		}
		d.UserID, d.Bucket = m.UserID, m.Bucket
		if d.Origin == "" {
			d.Origin = originOf(m)
		}
		return s.post(ctx, tx, d)
	})
}

// originOf names the event that a message comes from.
func originOf(m eventlog.Meta) string {
	return m.Source + ":" + strconv.Itoa(int(m.Partition)) + ":" + strconv.FormatInt(m.Position, 10)
}

// codeTemplates maps a code's purpose; any other gets the general text.
var codeTemplates = map[string]string{"login": "code.login", "card": "code.card", "sign": "code.sign"}

// onCode makes the message of a one-time code. The person may not be registered yet, so the mobile comes with it.
func (s *Service) onCode(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *userv1.CodeIssued) error {
	key := codeTemplates[e.GetPurpose()]
	if key == "" {
		key = "code.other"
	}
	left := time.UnixMilli(e.GetExpiresMs()).Sub(clock.Real())
	minutes := max(1, int64((left+30*time.Second)/time.Minute))
	return s.post(ctx, tx, draft{UserID: m.UserID, Bucket: m.Bucket, Origin: originOf(m), Template: key, SubjectID: e.GetCodeId(),
		Params: template.Params{"minutes": strconv.FormatInt(minutes, 10)}, Language: e.GetLanguage(),
		SealedCode: e.GetSealedCode(), SealedMobile: e.GetSealedMobile(), ExpiresMS: e.GetExpiresMs()})
}

func applicationMoved(e *loanv1.ApplicationMoved) draft {
	keys := map[string]string{"MANUAL_REVIEW": "application.review", "APPROVED": "application.approved",
		"REJECTED": "application.rejected", "EXPIRED": "application.expired"}
	return draft{Template: keys[e.GetTo()], SubjectID: e.GetApplicationId(), Params: template.Params{"amount": template.Amount(e.GetAmountMinor())}}
}

func contractSigned(e *loanv1.ContractSigned) draft {
	return draft{Template: "contract.signed", SubjectID: e.GetLoanId()}
}

func loanMoved(e *loanv1.LoanMoved) draft {
	if e.GetTo() != "PAYOUT_RETURNED" {
		return draft{}
	}
	return draft{Template: "loan.payout_returned", SubjectID: e.GetLoanId(), Params: template.Params{"amount": template.Amount(e.GetPrincipalMinor())}}
}

func scheduleFixed(e *loanv1.ScheduleFixed) draft {
	if len(e.GetRows()) == 0 {
		return draft{}
	}
	first := e.GetRows()[0]
	return draft{Template: "loan.paid_out", SubjectID: e.GetLoanId(), Params: template.Params{
		"amount": template.Amount(e.GetPrincipalMinor()), "date": e.GetDisbursedOn(), "instalments": strconv.Itoa(len(e.GetRows())),
		"first_due": first.GetDueOn(), "first_amount": template.Amount(first.GetPrincipalMinor() + first.GetInterestMinor() + first.GetFeeMinor())}}
}

func billIssued(e *loanv1.BillIssued) draft {
	return draft{Template: "bill.issued", SubjectID: e.GetLoanId(), Params: template.Params{
		"number": strconv.Itoa(int(e.GetNumber())), "due": e.GetDueOn(), "amount": template.Amount(e.GetAmountMinor())}}
}

func repaymentApplied(e *loanv1.RepaymentApplied) draft {
	p := template.Params{"amount": template.Amount(e.GetAmountMinor())}
	if e.GetSettled() {
		return draft{Template: "loan.settled", SubjectID: e.GetLoanId(), Params: p}
	}
	return draft{Template: "repayment.received", SubjectID: e.GetLoanId(), Params: p.With("left", template.Amount(e.GetOutstandingPrincipalMinor()))}
}

func debitFailed(e *loanv1.DebitFailed) draft {
	return draft{Template: "debit.failed", SubjectID: e.GetLoanId(), Params: template.Params{"amount": template.Amount(e.GetAmountMinor())}}
}

// overdueChanged tells only that it began: later reminders are collection's to plan.
func overdueChanged(e *loanv1.OverdueChanged) draft {
	if e.GetDpd() <= 0 || (e.GetPreviousBucket() != "" && e.GetPreviousBucket() != "M0") || e.GetPreviousBucket() == e.GetBucket() {
		return draft{}
	}
	return draft{Template: "overdue.begins", SubjectID: e.GetLoanId(), Params: template.Params{
		"amount": template.Amount(e.GetOverdueMinor()), "days": strconv.Itoa(int(e.GetDpd()))}}
}

// contactPlanned sends what collection planned, on the channel it names. One contact makes one message.
func (s *Service) contactPlanned(e *collectionv1.ContactPlanned) draft {
	key := e.GetTemplate()
	if t, ok := s.templates.Newest(key); !ok || t.Class != template.Collection {
		s.deps.Logger.Warn("notify: collection names an unknown template", "template", key, "contact", e.GetContactId())
		key = "collection.reminder"
	}
	return draft{Template: key, SubjectID: e.GetContactId(), Only: e.GetChannel(),
		Origin: originOfContact(e.GetContactId()),
		Params: template.Params{"amount": template.Amount(e.GetOverdueMinor()), "days": strconv.Itoa(int(e.GetDpd()))}}
}

// onContactWithdrawn refuses the messages of a contact that have not begun to leave: he paid, promised or complained meanwhile.
func (s *Service) onContactWithdrawn(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *collectionv1.ContactWithdrawn) error {
	for name := range s.channels {
		found, err := rows.New(tx).MessageByOrigin(ctx, rows.MessageByOriginParams{Bucket: m.Bucket, Origin: originOfContact(e.GetContactId()) + "/" + name})
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		message, err := s.load(ctx, tx, m.Bucket, found)
		if err != nil {
			return err
		}
		if State(message.State) != Pending {
			continue
		}
		err = s.move(ctx, tx, message, Refuse, change{Reason: reasonWithdrawn})
		if errors.Is(err, errStale) {
			return errMoving.Because(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func originOfContact(contactID int64) string { return "contact:" + strconv.FormatInt(contactID, 10) }

// orderSettled tells of refunds: everything else that payment settles is told by loan.
func orderSettled(e *paymentv1.OrderSettled) draft {
	if e.GetKind() != "refund" || e.GetOutcome() != "PAID" {
		return draft{}
	}
	return draft{Template: "refund.paid", SubjectID: e.GetOrderId(), Params: template.Params{"amount": template.Amount(e.GetAmountMinor())}}
}
