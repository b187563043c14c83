/* mysql_hash: what real servers have stored for known passwords. */
#include "test.h"

#include "clients/sql/mysql_hash.h"
#include "core/memory.h"

#include <stdio.h>

/* SELECT PASSWORD() of MariaDB 10.11.19; HEX(authentication_string) of MySQL 9.7.4. */
static const struct {
	const char *password, *native, *caching_sha2, *sha256;
} vectors[] = {
	{"a", "*667F407DE7C6AD07358FA38DAED7828A72014B4E",
	 "24412430304124235A135405143113272823720A3569153F120F7151615936514C596E595276744D455777595"
	 "8533836416E336B2E63666E51392E3152636B51532E736A5131",
	 "24352431346F44287F5B4455570D70260F290423582C4A245A3155304B4254477A7A4D336D734C6E334635785"
	 "670674E6732644E31704670384C6168386D6D2E4E4142"},
	{"pw-Passw0rd", "*E1E6D94BBCC75DC128707F29F7F641167FF0F34C",
	 "244124303041246E1F652E654E220B792B6C7A4D5C1E3421675641656D38796A6363737A74794F684F7772525"
	 "86B4965507858307968663963534A4A4C61762F455964484834",
	 "24352425012C4A0447207E36773E084F347E7336145351246C436A52655A3765315534586762764F4844784E6"
	 "45565514A75446C6F307330323363425965334C58442E"},
	{"q'uo\\te \"x\"", "*C120975E6167490D616A98477E372CFDF597AAEE",
	 "244124303041242D236704216E704B26144133093B565E5A0E20336A6576624E3539552E4F716E75507070543"
	 "3784443514F5A466456485434445A425438753056564279352E",
	 "2435244A3B7075312C2A7B766B031A7A6430661E3727742464374830636B7A786E77474C486A4E7A2E7153324"
	 "F615057346677537657625A32334C486976356E50582F"},
	{"\303\251\342\202\254-\320\272\320\273\321\216\321\207",
	 "*C4A4842B046B2D55738B52F43F27B64F0BC3C1C5",
	 "244124303041247D5B5F7F640A2529706801340D1E571F4F5B3D63357577732E5A4F7854354F6A584D6F324D5"
	 "64C72325571386F75706C50636A47772E54566C62496F663731",
	 "243524536C1A49557070084028620A1D69236E1717191824364362324F6852623673474F56636D5353424D4C7"
	 "25870576F46527650576C465A4653517A433063336443"},
	{"0123456789abcdef0123456789abcde", "*6E168C82FB698781973C491DCE27298C313CB0A8",
	 "244124303041240C2E03455A7A317F28672F63567C2E6536170B284272317A6E6C786A4F466A45364C446A5A3"
	 "44732694E556579484F676F615362583250526B646F726A7436",
	 "2435241B4D3460631A3A4E051B0514045854756823386124416633556C4F33387948542E462F6773426646616"
	 "769644650616B724A6843577171454D693975546F6A32"},
	{"0123456789abcdef0123456789abcdef", "*2D703E10A32F30251A2370355793E78659958B31",
	 "2441243030412455213B4A2D7B5E212B6A4C22303C6211140763076571474333784F2E51532F564A6B6B49656"
	 "A7078587A746C4F3158504F65343058424A4950645355754632",
	 "2435240F4F1D2127162C13014008377D1071171A50025A24394D4F792F6946415261343254396153554B74596"
	 "A363556664B472E6773374B314730316B575462487835"},
	{"0123456789abcdef0123456789abcdefX", "*3731FC0BF91CEA4C2CD6EDB309E757702E45DCEB",
	 "24412430304124586812555C1178010C05360A43091E7E0E1441105256414368724D67633646437934676F455"
	 "A72542E2F61784D494D31455153694D6C4B4F45706D71426635",
	 "24352420060B335E767A187B260F7E5652281602495E7B24656C4A3965346E635932365976326A74547175553"
	 "06D4359564B2E3246656B3262777844324F7830796733"},
	{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	 "*B9C6BC4086271240C896BC0EF1DB0E683C022F99",
	 "244124303041244C254B26550E6C3E4B554B1767250C637F2B2211586B4877635738616D384469594C6B31475"
	 "87A646435546C674C435432754F6D377575336E7739386E7138",
	 "2435242B4E4D47337C292B627C665B2A511D63537B0C26246B6D41694A5661526363454362793934546A78684"
	 "F4D484E77704278537A317A45395873753147746F4E33"},
};

#define COUNT (sizeof(vectors) / sizeof(vectors[0]))

static const char *unhex(const char *hex)
{
	static char texts[4][160];
	static size_t next;
	char *ret = texts[next++ % 4];
	size_t length = 0;

	for (; hex[0] != '\0'; hex += 2) {
		unsigned byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		ret[length++] = (char)byte;
	}
	ret[length] = '\0';
	return ret;
}

static bool matches(const char *stored, const char *password)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;
	bool ret = false;

	assert_ok(secret_make(password, strlen(password), &secret));
	assert_ok(mysql_hash_matches(stored, &secret, &ret));
	return ret;
}

static void native_hash_is_what_the_server_makes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		AUTO(secret_clear) struct secret secret = SECRET_INIT;
		char hash[MYSQL_NATIVE_HASH_SIZE];

		assert_ok(secret_make(vectors[i].password, strlen(vectors[i].password), &secret));
		assert_ok(mysql_native_hash(&secret, hash));
		assert_string_equal(hash, vectors[i].native);
	}
}

static void hash_of_each_password_matches_that_one_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < COUNT; j++) {
			const char *password = vectors[j].password;

			assert_int_equal(matches(vectors[i].native, password), i == j);
			assert_int_equal(matches(unhex(vectors[i].caching_sha2), password), i == j);
			assert_int_equal(matches(unhex(vectors[i].sha256), password), i == j);
		}
}

static void hash_of_unknown_form_matches_nothing(void **state)
{
	static const char *const hashes[] = {
		"",
		"*",
		"$",
		"$A$",
		"$5$",
		"$A$005$",
		"$A$005$short",
		"$6$rounds=1$x",
		"invalid",
		/* MySQL's own, which no password has. */
		"$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED",
		/* Rounds that are none, or too many to be waited for. */
		"$A$000$01234567890123456789abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
		"$A$FFF$01234567890123456789abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
		"$A$-01$01234567890123456789abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
		("$A$0055"
		 "01234567890123456789abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq"),
		"$5$01234567890123456789.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		assert_false(matches(hashes[i], "password"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_hash_is_what_the_server_makes),
		cmocka_unit_test(hash_of_each_password_matches_that_one_only),
		cmocka_unit_test(hash_of_unknown_form_matches_nothing),
	};

	memory_init();
	return cmocka_run_group_tests_name("mysql_hash", tests, NULL, NULL);
}
