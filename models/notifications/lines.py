"""What messages say: for each event a head, and a sentence to each role that hears of it."""

from collections.abc import Mapping

from models.cases.commands import Role
from models.cases.events import EventName
from models.wording import Words

_A, _B, _O, _P = Role.APPLICANT, Role.BODY, Role.ORGANISER, Role.PANEL
_X = Role.EXPERT
_E = EventName

HEADS: Mapping[EventName, Words] = {
    _E.SUBMITTED: Words("已提交", "Filed"),
    _E.RETURNED: Words("已退回修改", "Returned for revision"),
    _E.ACCEPTED: Words("省级审核通过", "Accepted"),
    _E.DECLINED: Words("不予推荐", "Declined"),
    _E.SENT_BACK: Words("已退回审核", "Sent back to review"),
    _E.RECOMMENDED: Words("已推荐上报", "Recommended"),
    _E.LEFT_OUT: Words("未列入推荐名单", "Not on the list"),
    _E.CORRECTION_REQUESTED: Words("需要补正", "Correction requested"),
    _E.RESUBMITTED: Words("补正已提交", "Correction filed"),
    _E.FORMAL_CHECK_PASSED: Words("形式审查通过", "Formal check passed"),
    _E.FORMAL_CHECK_FAILED: Words("形式审查未通过", "Formal check failed"),
    _E.SHORTLISTED: Words("入围现场答辩", "Shortlisted"),
    _E.SELECTED: Words("拟入选，即将公示", "Selected"),
    _E.NOT_SELECTED: Words("未入选", "Not selected"),
    _E.PUBLISHED: Words("入选公布", "Published"),
    _E.DISQUALIFIED: Words("取消资格", "Disqualified"),
    _E.WITHDRAWN: Words("已撤回", "Withdrawn"),
    _E.LAPSED: Words("逾期终止", "Lapsed"),
    _E.DEADLINE_APPROACHING: Words("期限将至", "Due soon"),
    _E.DEADLINE_PASSED: Words("期限已过", "Overdue"),
    _E.DEADLINE_MOVED: Words("期限已调整", "Deadline moved"),
}
"""How a message's subject begins."""

_NEAR = Words("以下事项的期限临近，请抓紧办理。", "The matter below is due soon.")
_OVER = Words(
    "以下事项已过期限，仍待办理。", "The matter below is overdue and still waits for you."
)
_MOVED = Words("以下事项的期限已调整。", "The deadline of the matter below was moved.")

# fmt: off
LINES: Mapping[EventName, Mapping[Role, Words]] = {
    _E.SUBMITTED: {
        _A: Words("贵单位的案例已收到，进入省级审核。", "Your case goes to review."),
        _B: Words("有一件案例提交贵单位审核。", "A case was filed for your review."),
    },
    _E.RETURNED: {
        _A: Words("推荐单位将案例退回修改，请按意见修改后重新提交。",
                  "The recommending body returned your case; please revise and file it again."),
    },
    _E.ACCEPTED: {
        _A: Words("贵单位的案例已通过省级审核，等待推荐。",
                  "Your case passed the review and awaits recommendation."),
    },
    _E.DECLINED: {
        _A: Words("推荐单位决定不予推荐。", "The recommending body declined your case."),
    },
    _E.SENT_BACK: {
        _A: Words("贵单位的案例由待推荐退回省级审核。", "Your case went back to review."),
        _B: Words("一件待推荐案例已退回，请重新审核。", "Please review the case again."),
    },
    _E.RECOMMENDED: {
        _A: Words("贵单位的案例已推荐上报，进入形式审查。",
                  "Your case was recommended and goes to the formal check."),
        _B: Words("贵单位推荐的案例已上报。", "The case that you recommended was handed in."),
        _O: Words("收到一件推荐案例，请进行形式审查。",
                  "A recommended case arrived for the formal check."),
    },
    _E.LEFT_OUT: {
        _A: Words("推荐名单已封存，贵单位的案例未列入。",
                  "The list was sealed without your case."),
    },
    _E.CORRECTION_REQUESTED: {
        _A: Words("形式审查发现问题，请按意见补正。",
                  "The formal check asks you to correct your case."),
        _B: Words("贵单位推荐的案例需要补正，请督促申报单位。",
                  "A case that you recommended needs correction; please see to it."),
    },
    _E.RESUBMITTED: {
        _A: Words("补正材料已收到，重新进入形式审查。",
                  "Your correction was received and goes to the formal check."),
        _O: Words("申报单位已提交补正材料，请继续形式审查。",
                  "The applicant filed the correction; please go on with the formal check."),
    },
    _E.FORMAL_CHECK_PASSED: {
        _A: Words("贵单位的案例通过形式审查，进入专家评审。",
                  "Your case passed the formal check and goes to the experts."),
        _B: Words("贵单位推荐的案例通过形式审查。",
                  "A case that you recommended passed the formal check."),
        _P: Words("有一件案例进入专家评审。", "A case entered the expert review."),
        _X: Words("有一件案例等待专家评分。如有利害关系，请先申报回避。",
                  "A case awaits scores; where you have an interest in it, declare it first."),
    },
    _E.FORMAL_CHECK_FAILED: {
        _A: Words("贵单位的案例未通过形式审查。", "Your case failed the formal check."),
        _B: Words("贵单位推荐的案例未通过形式审查。",
                  "A case that you recommended failed the formal check."),
    },
    _E.SHORTLISTED: {
        _A: Words("贵单位的案例入围现场答辩，请做好准备。",
                  "Your case was shortlisted; please prepare for the defence."),
        _B: Words("贵单位推荐的案例入围现场答辩。", "A case that you recommended was shortlisted."),
        _P: Words("一件案例入围现场答辩，请安排答辩。",
                  "A case was shortlisted; please hold the defence."),
        _X: Words("一件案例入围现场答辩，请留意答辩安排。",
                  "A case was shortlisted; the defence will be announced."),
    },
    _E.SELECTED: {
        _A: Words("贵单位的案例拟入选，进入公示。", "Your case goes to the public notice."),
        _B: Words("贵单位推荐的案例拟入选，进入公示。",
                  "A case that you recommended goes to the public notice."),
        _O: Words("一件案例拟入选，请安排公示。", "A case was selected; please post the notice."),
    },
    _E.NOT_SELECTED: {
        _A: Words("贵单位的案例未入选。", "Your case was not selected."),
        _B: Words("贵单位推荐的案例未入选。", "A case that you recommended was not selected."),
    },
    _E.PUBLISHED: {
        _A: Words("公示期满，贵单位的案例正式入选。", "Your case is on the published result."),
        _B: Words("公示期满，贵单位推荐的案例正式入选。",
                  "A case that you recommended is on the published result."),
        _O: Words("公示期满，案例入选结果已公布。", "The result of the case was published."),
    },
    _E.DISQUALIFIED: {
        _A: Words("贵单位的案例被取消资格。", "Your case was disqualified."),
        _B: Words("贵单位推荐的案例被取消资格。", "A case that you recommended was disqualified."),
    },
    _E.WITHDRAWN: {
        _A: Words("贵单位的案例已撤回。", "Your case was withdrawn."),
        _B: Words("申报单位已撤回案例，无需再办理。", "The applicant withdrew the case."),
        _O: Words("申报单位已撤回案例，无需再办理。", "The applicant withdrew the case."),
        _P: Words("申报单位已撤回案例，无需再评审。", "The applicant withdrew the case."),
        _X: Words("申报单位已撤回案例，无需再评分。", "The applicant withdrew the case."),
    },
    _E.LAPSED: {
        _A: Words("逾期未提交，贵单位的案例已终止。", "Nothing came in time; the case ended."),
        _B: Words("申报单位逾期未提交，案例已终止。", "Nothing came in time; the case ended."),
        _O: Words("申报单位逾期未补正，案例已终止。", "No correction came; the case ended."),
    },
    _E.DEADLINE_APPROACHING: dict.fromkeys((_A, _B, _O, _P, _X), _NEAR),
    _E.DEADLINE_PASSED: dict.fromkeys((_A, _B, _O, _P, _X), _OVER),
    _E.DEADLINE_MOVED: dict.fromkeys((_A, _B, _O, _P, _X), _MOVED),
}
# fmt: on
"""What happened, said to each role that hears of it."""
