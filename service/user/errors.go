package user

import (
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/user/document"
)

// What can be refused. Sentences hold no personal value.
var (
	errTooMany = errs.New(errs.Exhausted, "user.too_many_attempts",
		"操作过于频繁，请稍后再试。", "Too many attempts; please try again later.")
	errCodeWrong = errs.New(errs.Unauthenticated, "user.code_wrong",
		"验证码错误或已失效，请重新获取。", "The code is wrong or no longer valid; please ask for a new one.").On("code")
	errConsentRequired = errs.New(errs.Precondition, "user.consent_required",
		"请先阅读并同意《隐私政策》。", "Please read and agree to the privacy policy first.").On("consent")
	errNotifyMissing = errs.New(errs.Unavailable, "user.notify_key_missing",
		"短信服务尚未就绪，请稍后再试。", "The message service is not ready yet; please try again later.")
	errSessionEnded = errs.New(errs.Unauthenticated, "user.session_ended",
		"登录已失效，请重新登录。", "The session has ended; please sign in again.")
	errClosed = errs.New(errs.Denied, "user.account_closed",
		"该账户已注销。", "The account is closed.")
	errNotFound = errs.New(errs.NotFound, "user.not_found",
		"没有找到。", "Not found.")
	errStale = errs.New(errs.Conflict, "user.changed_meanwhile",
		"内容已被修改，请刷新后重试。", "It was changed meanwhile; please reload and try again.")

	errDocumentUnknown = errs.New(errs.Invalid, "user.document_unknown",
		"没有这份文件，或者该版本不是现行版本。", "There is no such document, or the version is not the one in force.")
	errConsentNone = errs.New(errs.NotFound, "user.consent_not_found",
		"没有找到有效的同意记录。", "There is no live consent to this document.")

	errNameMissing = errs.New(errs.Invalid, "user.name_missing",
		"请填写姓名。", "Please state your name.").On("name")
	errIDMissing = errs.New(errs.Invalid, "user.id_no_missing",
		"请填写身份证号码。", "Please state your ID number.").On("idNo")
	errUnderAge = errs.New(errs.Precondition, "user.under_age",
		"未满十八周岁，不能申请贷款。", "Loans are for persons of eighteen years or more.").On("idNo")
	errIdentityDiffers = errs.New(errs.Conflict, "user.identity_differs",
		"与您已核验的身份信息不一致。", "This differs from your verified identity.")
	errChecking = errs.New(errs.Precondition, "user.check_in_progress",
		"身份核验正在进行，请稍候。", "A check is in progress; please wait.")
	errIDTaken = errs.New(errs.Conflict, "user.id_no_taken",
		"该身份证号码已用于其他账户，请联系客服。", "This ID number is used by another account; please ask our service desk.").On("idNo")
	errCardTaken = errs.New(errs.Conflict, "user.card_taken",
		"该银行卡已绑定其他账户，请更换或联系客服。", "This card is bound to another account; please use another or ask our service desk.").On("cardNo")
	errCardBound = errs.New(errs.Conflict, "user.card_bound",
		"您已绑定该银行卡。", "You have bound this card already.").On("cardNo")
	errCardMany = errs.New(errs.Exhausted, "user.too_many_cards",
		"绑定的银行卡数量已达上限，请先解绑。", "You have bound as many cards as possible; please unbind one first.")
	errCardNotVerified = errs.New(errs.Precondition, "user.card_not_verified",
		"该银行卡尚未通过核验。", "The card is not verified.")
	errCardDefault = errs.New(errs.Precondition, "user.card_is_default",
		"请先将其他银行卡设为默认卡。", "Please make another card the default first.")

	errPurpose = errs.New(errs.Denied, "user.purpose_not_allowed",
		"不允许以该用途获取。", "Not allowed for this purpose.")
	errField = errs.New(errs.Invalid, "user.field_unknown",
		"没有该字段。", "There is no such field.").On("fields")
	errClass = errs.New(errs.Invalid, "user.class_unknown",
		"没有该数据类别。", "There is no such class.").On("class")
	errErased = errs.New(errs.NotFound, "user.erased",
		"该数据已被删除。", "The data were erased.")

	errStaffLogin = errs.New(errs.Unauthenticated, "user.staff_login_failed",
		"账号、密码或动态口令错误；多次失败后将暂时锁定。", "Login, password or code is wrong; after several failures the login is locked for a while.")
	errStaffExists = errs.New(errs.Conflict, "user.staff_exists",
		"该账号已存在。", "This login exists already.").On("login")
	errStaffSelf = errs.New(errs.Denied, "user.staff_self",
		"不能对自己进行此操作。", "You cannot do this to yourself.")
	errLastAdmin = errs.New(errs.Precondition, "user.last_admin",
		"至少须保留一名管理员。", "At least one admin must remain.")
	errPassword = errs.New(errs.Invalid, "user.password_wrong",
		"原密码错误。", "The old password is wrong.").On("oldPassword")
	errPasswordWeak = errs.New(errs.Invalid, "user.password_weak",
		"新密码过于简单或与原密码相同。", "The new password is too simple or the same as the old one.").On("newPassword")
	errPageToken = errs.New(errs.Invalid, "user.page_token_invalid",
		"分页标记无效。", "The page token is not valid.").On("pageToken")
	errAddress = errs.New(errs.Invalid, "user.address_invalid",
		"地址有误。", "The address is not valid.").On("address")
	errLocked = errs.New(errs.Unavailable, "user.busy",
		"系统繁忙，请稍后再试。", "The system is busy; please try again later.")
)

// errConsent names the document without whose consent a processing is refused.
func errConsent(d document.Document) error {
	return errs.New(errs.Precondition, "user.consent_missing",
		"请先阅读并同意《"+d.ZH.Title+"》。", "Please read and agree first to: "+d.EN.Title+".").On(d.Name)
}
