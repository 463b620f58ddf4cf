"""What is asked about the matter, in one spelling: why, how, whether one may, how much.

General Chinese, written for this purpose and not taken from any data. The order matters: what is
longer or more special comes first. What stands for it is a word that people write themselves, so
that a question that uses it already is the same.
"""

import re

WHY, HOW, MAY, WILL, MUST = "为什么", "怎么", "能不能", "会不会", "要不要"
EFFECT, USE, COST, LONG, WHEN, WHERE = "有效吗", "作用", "多少钱", "多久", "什么时候", "哪里"
WHO, MANY, WHICH, MEANING, HARM = "谁", "几个", "什么", "什么意思", "副作用"
GOOD, DIFFERENCE, THERE, CARE, STEPS = "好不好", "区别", "有没有", "注意什么", "流程"
# What the words above ask for; two texts that ask for nothing in common ask different things.
ASKING = frozenset(
    {WHY, HOW, MAY, WILL, MUST, EFFECT, USE, COST, LONG, WHEN, WHERE, WHO, MANY, MEANING, HARM}
    | {GOOD, DIFFERENCE, CARE, STEPS, THERE}
)
# Those that are not asked in passing: 能不能 and 有没有 are often left to 吗.
PLAINLY = ASKING - {MAY, WILL, MUST, THERE, GOOD}
# What may be asked in the place of another of them, for near misses that are made: those that
# nobody takes for each other.
INSTEAD = (WHY, HOW, COST, LONG, WHEN, WHERE, HARM, CARE)
_WHAT = "(?:什么|哪些|哪种|啥|哪几种|何种)"
_LISTED: tuple[tuple[str, str], ...] = (
    (WHY, rf"(?:是|由|因为|出于)?{_WHAT}(?:原因|因素|缘故|缘由)(?:引起|造成|导致|引发|所致)?"),
    (WHY, rf"(?:原因|缘故|起因|成因|诱因)(?:是|有|都有|是由于)?{_WHAT}"),
    (WHY, rf"(?:是|由|是由|是因为|因为){_WHAT}(?:引起|造成|导致|引发|形成)"),
    (WHY, r"(?:是)?(?:怎么|如何|咋|怎样)(?:一)?(?:回事|引起|造成|导致|引发|形成|产生|来的)"),
    (WHY, rf"(?:是)?(?:怎么了|咋了|咋回事|{_WHAT}情况|为什么|为啥|为何|为了什么|干嘛|何以)"),
    (HARM, r"不良反应|毒副作用|副作用"),
    (MEANING, rf"(?:是)?(?:{_WHAT}意思|何意|指{_WHAT}|指的是{_WHAT}|的?含义(?:是{_WHAT})?|的?定义(?:是{_WHAT})?)"),
    (MEANING, r"什么叫做?|何谓|什么是|解释一下"),
    (CARE, rf"(?:要|应|应该|需要|需|该|有)?(?:注意|留意|当心)(?:些|点)?(?:{_WHAT})|(?:有|要)?{_WHAT}(?:需要|要|应该|该)?注意的?(?:事项|地方|问题|点)?|注意事项(?:是|有)?{_WHAT}?"),
    (COST, r"(?:是|要|需要|得|花|收|交|大概|大约|卖)*(?:多少|几)(?:块|元|毛)?钱|(?:价格|价钱|售价|费用|收费|价位)(?:是|大概是|标准是|标准|要|为)?(?:多少|几块|如何|怎样|怎么样|贵吗)?(?:元|块|钱)?|多少(?:元|块)|贵不贵"),
    (DIFFERENCE, rf"(?:有|的)?{_WHAT}?(?:区别|差别|不同|差异|不一样|分别)(?:之处|点|在哪里?|在哪儿)?(?:是|有)?{_WHAT}?(?:在哪里?)?"),
    (GOOD, r"(?:哪个|哪种|哪款|谁)(?:比较|更|最)?好"),
    (EFFECT, r"(?:效果|疗效|成效)(?:好不好|好吗|好|如何|怎么样|怎样|明显吗|明显|咋样|怎么)?|(?:有没有|是否|有|管|好|起|见)(?:用处|用|效果|效|作用|疗效)(?:吗|不|嘛|么)(?!良)?|管用|有效(?!期|日|时间)|好使|见效|顶用"),
    (USE, rf"(?:有|是|的|起)?{_WHAT}?(?:作用|功效|功能|用途|用处|效用)(?:是|有|都有|包括|为)?(?:{_WHAT}|如何)?|(?:是)?(?:干{_WHAT}|做{_WHAT})用的?|有{_WHAT}用"),
    (HOW, rf"(?:有|用|采取|通过|要用)?(?:没有)?{_WHAT}(?:好的?|有效的?)?(?:办法|方法|措施|方式|窍门|技巧|诀窍|妙招)|(?:办法|方法|措施|窍门|诀窍)(?:是|有)?{_WHAT}|(?:应?该|要)?如何是好"),
    (HOW, r"(?:我|应?该|要|得|可以|能|又|才能)*(?:怎么|怎样|如何|咋|怎麽)(?:样|才能|才可以|才会|才|可以|能|去|来|样才能)*(?:操作|处理|解决|办理|弄|整|办|做|搞)?(?:才好|好|才行|呢|啊|呀)?"),
    (MAY, r"(?:我)?(?:可不可以|能不能够|能不能|能否|可否|是否可以|是否能够?|是不是可以|是不是能|行不行|可以不可以|可以|能够|允许|准许|可行|行吗|行么|得行)"),
    (WILL, r"会不会|是否会|是不是会|会否"),
    (MUST, r"(?:需不需要|要不要|是否需要|是否要|用不用|必不必须|是不是要|是不是需要|需要|有必要|必须|一定要|非得|非要|务必)"),
    (THERE, r"有没有|是否有|有无|是不是有|存不存在"),
    (STEPS, rf"(?:要|需要|走)?(?:办)?(?:{_WHAT}|哪几个|几个)?(?:流程|程序|步骤|手续|环节)(?:是|有)?{_WHAT}?"),
    (WHICH, rf"(?:都|是|有|包括|都有|都是|具体有|分为|包含|包括了)*(?:{_WHAT}|哪几个|哪几项|哪几种|什么样|哪类|几种)"),
)  # fmt: skip
# One expression with a group for each line: the first that fits at a place is taken.
_ANY = re.compile("|".join(f"({pattern})" for _, pattern in _LISTED))
_WORDS = tuple(word for word, _ in _LISTED)


def in_one_spelling(text: str) -> str:
    """The text with its asking phrases as the words above."""
    return _ANY.sub(lambda found: _WORDS[(found.lastindex or 1) - 1], text)
