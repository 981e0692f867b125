package oui

// maker is one maker of cameras and what it is called in the IEEE's registry.
type maker struct {
	name string
	only bool // sells hardly anything but cameras and recorders
	// registered are beginnings of the organization's name, lower case. A beginning that ends with "$"
	// is the whole name, "#" and digits one prefix: its owner was bought and is registered as the buyer.
	registered []string
}

// makers are those whose prefixes prefixes.go holds, by index: run go generate after a change. New ones
// go to the end. The lists are of brands that are sold for homes, and what they are called there; a
// brand that only puts its name on another maker's cameras (Annke, Avigilon's older ones, Imou) shows
// as that maker. Size budget: a table, read as a whole.
var makers = [...]maker{
	{"Hikvision", true, []string{"hangzhou hikvision", "prama hikvision", "prama india", "hangzhou hikrobot"}},
	{"Dahua", true, []string{"zhejiang dahua"}},
	{"Axis", true, []string{"axis communications"}},
	{"Reolink", true, []string{"reolink innovation", "shenzhen baichuan"}},
	{"Hanwha", true, []string{"samsung techwin", "hanwha techwin", "hanwha vision"}},
	{"Bosch", true, []string{"vcs video communication", "bosch security systems"}},
	{"Vivotek", true, []string{"vivotek"}},
	{"Uniview", true, []string{"zhejiang uniview"}},
	{"Amcrest", true, []string{"amcrest technologies"}},
	{"TP-Link", false, []string{"tp-link"}},
	{"Wyze", false, []string{"wyze labs"}},
	{"Foscam", true, []string{"shenzhen foscam", "tercel technology", "shenzhen reecam"}},
	{"Ubiquiti", false, []string{"ubiquiti"}},
	{"Panasonic", false, []string{"panasonic corporation avc", "panasonic connect", "panasonic system", "panasonic communications"}},
	{"i-PRO", true, []string{"i-pro co"}},
	{"Sony", false, []string{"sony corporation", "sony imaging"}},
	{"Avigilon", true, []string{"avigilon", "#001885"}},
	{"Mobotix", true, []string{"mobotix"}},
	{"Arlo", true, []string{"arlo technolog"}},
	{"Ring", false, []string{"ring llc", "ring solutions"}},
	{"Anker", false, []string{"anker innovations", "fantasia trading", "power mobile life"}},
	{"Ezviz", true, []string{"hangzhou ezviz"}},
	{"Lorex", true, []string{"lorex technology"}},
	{"Swann", true, []string{"swann communications"}},
	{"FLIR", true, []string{"flir systems"}},
	{"Annke", true, []string{"annke"}},
	{"Blink", true, []string{"blink by amazon"}},
	{"Verkada", true, []string{"verkada"}},
	{"GeoVision", true, []string{"geovision"}},
	{"ACTi", true, []string{"acti corporation"}},
	{"Arecont", true, []string{"arecont vision"}},
	{"Pelco", true, []string{"pelco$", "pelco inc", "pelco,", "#00047d"}},
	{"Milesight", false, []string{"xiamen milesight", "milesight technology"}},
	{"Tiandy", true, []string{"tiandy technologies"}},
	{"TVT", true, []string{"tvt co", "shenzhen tvt"}},
	{"Raysharp", true, []string{"zhuhai raysharp"}},
	{"Zmodo", true, []string{"zmodo technology"}},
	{"Sunell", true, []string{"sunell electronics"}},
	{"Grandstream", false, []string{"grandstream networks"}},
	{"Jovision", true, []string{"jovision", "jinan jovision"}},
	{"Instar", true, []string{"instar deutschland"}},
	{"Night Owl", true, []string{"night owl"}},
	{"IDIS", true, []string{"idis co"}},
	{"Digital Watchdog", true, []string{"digital watchdog"}},
	{"CP Plus", true, []string{"cp plus", "aditya infotech"}},
	{"March Networks", true, []string{"march networks"}},
	{"Infinova", true, []string{"infinova"}},
	{"Vicon", true, []string{"vicon industries"}},
	{"Merit Lilin", true, []string{"merit li-lin", "merit lilin"}},
	{"Dynacolor", true, []string{"dynacolor"}},
	{"EverFocus", true, []string{"everfocus"}},
	{"Messoa", true, []string{"messoa"}},
	{"Apexis", true, []string{"shenzhen apexis"}},
	{"StarDot", true, []string{"stardot"}},
	{"IQinVision", true, []string{"iqinvision"}},
	{"Abus", false, []string{"abus security"}},
	{"D-Link", false, []string{"d-link"}},
	{"TRENDnet", false, []string{"trendnet"}},
	{"Edimax", false, []string{"edimax"}},
	{"Honeywell", false, []string{"honeywell security", "honeywell - ahs", "honeywell video"}},
	{"Canon", false, []string{"canon inc"}},
	{"Nest", false, []string{"nest labs"}},
	{"Logitech", false, []string{"logitech"}},
	{"Netatmo", false, []string{"netatmo"}},
	{"Xiaoyi", true, []string{"shanghai xiaoyi"}},
	{"Tuya", false, []string{"tuya smart"}},
	{"SimpliSafe", false, []string{"simplisafe"}},
	{"Speco", true, []string{"speco technologies"}},
}
